"""Reencrypt the rows of a store; inside a transaction."""

import sqlite3

from edge_tosca.digests import sha256
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.crypto.row_cipher import PlainRows
from edge_tosca.store.schema import EMPTY_REPORT, LABEL_COLUMN, MODULE_COLUMN
from edge_tosca.store.source_images import SourceImages


def reencrypt(
    connection: sqlite3.Connection,
    pictures: SourceImages,
    audit_log: AuditLog,
    old: PlainRows,
    new: PlainRows,
) -> None:
    """Reencrypt all rows of a store, one at a time.

    Args:
        connection: to the store, in a transaction.
        pictures: source images, under the old cipher.
        audit_log: for the digests of the new rows, under the new cipher.
        old: cipher of the rows; `PLAIN_ROWS` if they are not encrypted.
        new: their cipher afterwards; `PLAIN_ROWS` to decrypt them.
    """
    run = connection.execute
    # For the length of this transaction: tasks name modules, whose names change first.
    run("PRAGMA defer_foreign_keys = ON")
    # Rows that are written by other methods are read first, under the old cipher.
    pictures_digests = AuditLog(connection, old).pictures_digests()
    files = pictures.all()

    for (stored,) in run("SELECT digest FROM modules").fetchall():
        digest = old.decrypt_name(MODULE_COLUMN, stored)
        data, evidence = run("SELECT data, evidence FROM modules WHERE digest = ?", (stored,)).fetchone()
        name = new.encrypt_name(MODULE_COLUMN, digest)
        data = new.encrypt("modules.data", digest, old.decrypt("modules.data", digest, data))
        evidence = new.encrypt("modules.evidence", digest, old.decrypt("modules.evidence", digest, evidence))
        audit_log.drop_digest("evidence", stored)
        query = "UPDATE modules SET digest = ?, data = ?, evidence = ? WHERE digest = ?"
        run(query, (name, data, evidence, stored))
        run("UPDATE tasks SET module = ? WHERE module = ?", (name, stored))
        audit_log.record_digest("evidence", name, sha256(evidence))

    for table, key in (("features", "id"), ("routers", "generation"), ("statistics", "generation")):
        column = f"{table}.data"
        for (row,) in run(f"SELECT {key} FROM {table}").fetchall():
            (data,) = run(f"SELECT data FROM {table} WHERE {key} = ?", (row,)).fetchone()
            data = new.encrypt(column, row, old.decrypt(column, row, data))
            run(f"UPDATE {table} SET data = ? WHERE {key} = ?", (data, row))
            audit_log.record_digest(table, row, sha256(data))

    for number, report in run("SELECT number, report FROM generations").fetchall():
        if report != EMPTY_REPORT:
            data = new.encrypt(
                "generations.report", number, old.decrypt("generations.report", number, report)
            )
            value = data if new.encrypted else data.decode(errors="surrogatepass")
            run("UPDATE generations SET report = ? WHERE number = ?", (value, number))
            audit_log.record_digest("report", number, sha256(data))

    for column, key in ((LABEL_COLUMN, "rowid"), ("tasks.name", "id")):
        table, _, name = column.partition(".")
        for row, text in run(f"SELECT {key}, {name} FROM {table}").fetchall():
            named = new.encrypt_name(column, old.decrypt_name(column, text))
            run(f"UPDATE {table} SET {name} = ? WHERE {key} = ?", (named, row))

    for row, digest in pictures_digests:
        audit_log.record_digest("pictures", row, digest)
    source_images = SourceImages(connection, new)
    for row, images in files.items():
        source_images.put(row, images)
