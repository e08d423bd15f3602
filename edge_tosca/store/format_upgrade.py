"""Upgrade a store of an older format."""

import contextlib
import sqlite3
from pathlib import Path

from safetensors.numpy import load

from edge_tosca.digests import pictures_digest, row_digests, sha256
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.copies import kept_name, known_copies
from edge_tosca.store.database_copy import copy_database
from edge_tosca.store.location import real_path
from edge_tosca.store.schema import FORMAT, add_tables

MAX_COPIES = 3
"""Copies of earlier formats that are kept beside a store; the oldest are deleted."""


def keep_format(path: Path, connection: sqlite3.Connection) -> Path | None:
    """Keep a copy of a store whose format the transaction in progress will upgrade.

    Args:
        path: of the store.
        connection: to the store.

    Returns:
        Path of the copy, which only its owner may read; None where the format stays.

    Raises:
        StoreError: the disk is full.
    """
    version = _version(connection)
    if version >= FORMAT or not path.is_file():
        return None
    copy = kept_name(path, f"format-{version}")
    try:
        # Through a connection of its own: SQLite copies nothing through one that writes.
        copy_database(real_path(path), copy, copy)
    except BaseException:
        discard_copy(copy)
        raise
    earlier = [one for one in known_copies(path) if ".format-" in one.name and one.parent == copy.parent]
    # A box without a clock may name its newest copy by the earliest time.
    for old in [one for one in sorted(earlier, key=_changed_at) if one != copy][: -(MAX_COPIES - 1)]:
        discard_copy(old)
    return copy


def discard_copy(copy: Path) -> None:
    """Delete a copy that was kept; a disk that does not allow it keeps the copy."""
    for suffix in ("", "-wal", "-shm", "-journal", ".forgotten"):
        with contextlib.suppress(OSError):
            Path(f"{copy}{suffix}").unlink()


def upgrade_format(connection: sqlite3.Connection, settings: dict[str, str]) -> None:
    """Upgrade a store to the present format; inside a transaction, with which it takes effect or not at all.

    From format 1 to 2: the audit log begins. Its first entry covers the present contents of the file, not
    their history.

    Args:
        connection: to the store.
        settings: of the store.
    """
    version = _version(connection)
    if version >= FORMAT:
        return
    add_tables(connection, version)
    audit_log = AuditLog(connection)
    audit_log.begin()
    _record_digests(connection, audit_log)
    audit_log.end(settings, f"format {version} to {FORMAT}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _changed_at(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime_ns
    return 0


def _record_digests(connection: sqlite3.Connection, audit_log: AuditLog) -> None:
    for number, report in connection.execute("SELECT number, report FROM generations"):
        audit_log.record_digest("report", number, sha256(report.encode(errors="surrogatepass")))
    # One at a time, by key: a cursor over large rows would stay open while others are written.
    for (row,) in connection.execute("SELECT id FROM features").fetchall():
        (data,) = connection.execute("SELECT data FROM features WHERE id = ?", (row,)).fetchone()
        audit_log.record_digest("features", row, sha256(data))
        audit_log.record_digest("pictures", row, pictures_digest(row_digests(load(data)["features"])))
    for digest, evidence in connection.execute("SELECT digest, evidence FROM modules"):
        audit_log.record_digest("evidence", digest, sha256(evidence))
    for table in ("routers", "statistics"):
        for generation, data in connection.execute(f"SELECT generation, data FROM {table}"):
            audit_log.record_digest(table, generation, sha256(data))
