"""Find, make and open the SQLite file of a store."""

import contextlib
import os
import sqlite3
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.crypto.row_cipher import PlainRows
from edge_tosca.store.file_kind import kind_of_file
from edge_tosca.store.schema import APPLICATION_ID, ENCRYPTED, add_tables, connect, foreign_parts, mark
from edge_tosca.store.sqlite_errors import sqlite_errors
from edge_tosca.store.wal_check import refuse_foreign_log


def create_file(path: Path, settings: dict[str, str], cipher: PlainRows) -> sqlite3.Connection:
    """Make the file of a new store, its first seal included.

    Args:
        path: where; nothing, an empty file, or what an interrupted call left may be there.
        settings: of the store.
        cipher: of its contents.

    Returns:
        A connection to it.

    Raises:
        StoreError: something is there already, or the folder cannot be written.
    """
    kind = kind_of_file(path)
    if path.is_dir() or kind == "stranger" or (kind == "database" and not _without_tables(path)):
        raise StoreError(f"{path} exists already; open it, or choose another name")
    found, alone = path.exists(), False
    try:
        with sqlite_errors(path, changing=True):
            if kind == "zeros":
                os.truncate(path, 0)
            connection = connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have made a store here since it was looked for.
            if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                raise StoreError(f"{path} exists already; open it, or choose another name")
            alone = True
            add_tables(connection)
            mark(connection, cipher.encrypted)
            audit_log = AuditLog(connection, cipher)
            audit_log.begin()
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            audit_log.end(settings, "init")
            connection.execute("COMMIT")
    except StoreError:
        if alone and not found:
            # A disk that failed once may fail here too; init takes what is left for unfinished.
            with contextlib.suppress(OSError):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
        raise
    return connection


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file of a store that exists.

    Args:
        path: of the SQLite file.

    Returns:
        A connection to it.

    Raises:
        StoreError: there is none, it is something else, damaged, or of a newer format.
    """
    kind = kind_of_file(path)
    if kind == "nothing":
        raise StoreError(
            f"{path}: there is no store here; check the name, or make one with: edge-tosca init {path}"
        )
    if kind == "zeros":
        raise _interrupted(path)
    if kind == "stranger":
        raise StoreError(f"{path} is not a store of edge-tosca; name one that `init` made")
    refuse_foreign_log(path)
    with sqlite_errors(path):
        connection = connect(path)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        connection.close()
        if _without_tables(path):
            raise _interrupted(path)
        raise StoreError(f"{path} is a database of another program; name a store that `init` made")
    # An older one is read as it is; the first command that writes brings it up to date.
    if not 1 <= version <= ENCRYPTED:
        connection.close()
        raise StoreError(f"{path} has format {version}, this program reads {ENCRYPTED}; update edge-tosca")
    with sqlite_errors(path):
        foreign = foreign_parts(connection)
    if foreign:
        connection.close()
        raise StoreError(f"{path} holds {foreign[0]!r:.60}, which edge-tosca did not make; restore a copy")
    return connection


def _interrupted(path: Path) -> StoreError:
    return StoreError(f"{path}: making this store was interrupted; run again: edge-tosca init {path}")


def _without_tables(path: Path) -> bool:
    """Tell whether a database is what an interrupted `create` left."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
