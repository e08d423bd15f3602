"""Upgrade a store of an older format."""

import sqlite3

from safetensors.numpy import load

from edge_tosca.digests import pictures_digest, row_digests, sha256
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.schema import FORMAT, add_tables


def upgrade_format(connection: sqlite3.Connection, settings: dict[str, str]) -> None:
    """Upgrade a store to the present format; inside a transaction, with which it takes effect or not at all.

    From format 1 to 2: the audit log begins. Its first entry covers the present contents of the file, not
    their history.

    Args:
        connection: to the store.
        settings: of the store.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version >= FORMAT:
        return
    add_tables(connection, version)
    audit_log = AuditLog(connection)
    audit_log.begin()
    _record_digests(connection, audit_log)
    audit_log.end(settings, f"format {version} to {FORMAT}")


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
