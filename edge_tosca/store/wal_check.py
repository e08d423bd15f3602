"""Refuse a write-ahead log beside a store that belongs to another file, before SQLite reads both as one.

SQLite finds the log of a database by its name. Checksums bind the log's pages to each other, not to the file
("How To Corrupt An SQLite Database File", section 1.4). If a file was restored without its log, or over
another one, SQLite would read a mixture of the two, and the next write would destroy the file. The audit log
binds the two together: the chain in the file alone must continue in the chain of file and log, by no more
entries than the log has commits.
"""

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.audit.hash_chain import AuditEntry, contents, has_table
from edge_tosca.store.location import log_of
from edge_tosca.store.schema import foreign_parts

_ATTEMPTS = 3
"""Another process may restart its log between reading the file and reading the log."""

_BYTES_AT_ONCE = 1 << 20
_HEADER, _FRAME_HEADER = 32, 24
_LAST = "SELECT number, generation, entry, digest FROM seals ORDER BY number DESC LIMIT 1"
_MALFORMED = (sqlite3.Error, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def refuse_foreign_log(path: Path) -> None:
    """Refuse a store whose log is not its own; an empty log is never refused.

    Neither the file nor the log is changed.

    Args:
        path: of the store.

    Raises:
        StoreError: the log is of another file, or of another state of this one.
    """
    log = log_of(path)
    if not _size(log):
        return
    for _ in range(_ATTEMPTS):
        if _belongs(path, log):
            return
    raise StoreError(
        f"{path} and the log beside it are not of the same state of one store; "
        f"delete {log} if the file was put back without it, or restore both"
    )


@dataclass(frozen=True)
class _Alone:
    """The state of a file without its log.

    Attributes:
        layout: counts up with each `VACUUM`, which moves all pages.
        entry: the last audit entry.
    """

    layout: int
    entry: AuditEntry


def _belongs(path: Path, log: Path) -> bool:
    # The file first: its chain alone only grows.
    alone = _alone(path)
    try:
        with closing(_reading(path, "mode=ro")) as connection:
            connection.execute("BEGIN")
            if foreign_parts(connection) or not has_table(connection, "seals"):
                return True
            try:
                continues = _as_left(connection) and (alone is None or _continues(connection, alone, log))
            except _MALFORMED:
                continues = False
            return continues or not _size(log)
    except _MALFORMED:
        # Opening the store reports what is wrong with it.
        return True


def _alone(path: Path) -> _Alone | None:
    # During a checkpoint the file may hold a mixture of two states, and no valid chain.
    try:
        with closing(_reading(path, "immutable=1")) as connection:
            if foreign_parts(connection) or not has_table(connection, "seals"):
                return None
            alone = _Alone(_layout(connection), AuditEntry(*connection.execute(_LAST).fetchone()))
            return alone if alone.entry.intact else None
    except _MALFORMED:
        return None


def _continues(connection: sqlite3.Connection, alone: _Alone, log: Path) -> bool:
    """Return whether the chain of file and log continues that of the file alone, by entries of the log."""
    query = "SELECT number, generation, entry, digest FROM seals WHERE number >= ? ORDER BY number"
    chain = [AuditEntry(*row) for row in connection.execute(query, (alone.entry.number,))]
    linked = all(after.content["before"] == before.digest for before, after in pairwise(chain))
    return (
        chain[0] == alone.entry
        and linked
        and len(chain) - 1 <= _commits(log)
        and alone.layout <= _layout(connection)
    )


def _as_left(connection: sqlite3.Connection) -> bool:
    """Return whether everything but the features, which are large, is as the last audit entry left it."""
    last = AuditEntry(*connection.execute(_LAST).fetchone())
    if not last.intact or last.content["left"] != contents(connection):
        return False
    query = "SELECT kind, key, digest FROM digests WHERE kind IN ('routers', 'statistics')"
    return all(
        _digest_of(connection, *row) == digest for *row, digest in connection.execute(query).fetchall()
    )


def _digest_of(connection: sqlite3.Connection, table: str, row: int) -> str:
    digest = hashlib.sha256()
    with connection.blobopen(table, "data", row, readonly=True) as blob:
        while some := blob.read(_BYTES_AT_ONCE):
            digest.update(some)
    return digest.hexdigest()


def _commits(log: Path) -> int:
    """Count the commits in a log since it was last restarted.

    Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
    """
    commits = 0
    # SQLite has no locks on this file, so closing it breaks none.
    with log.open("rb") as file:
        header = file.read(_HEADER)
        page, salts = int.from_bytes(header[8:12]), header[16:24]
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == salts:
            commits += any(frame[4:8])
            file.seek(page, 1)
    return commits


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA schema_version").fetchone()[0])


def _reading(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    # As for every untrusted file, see `schema.connect`.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0
