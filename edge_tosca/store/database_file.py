"""Find, make and open the SQLite file of a store.

A process that closes a file loses all its POSIX locks on it, SQLite's among them, whatever opened it ("How To
Corrupt An SQLite Database File", section 2.2). The console has several connections to one store. If one of
them lost its lock, another process would take itself for the last one, and delete the log under the others.
So only SQLite opens a database. A file is read as bytes only after SQLite said that it is none.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Literal

from edge_tosca.errors import StoreError
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.crypto.row_cipher import PlainRows
from edge_tosca.store.location import files_of, real_path, refuse_other_names
from edge_tosca.store.read_only_media import opens_immutable, refuse_log
from edge_tosca.store.schema import (
    APPLICATION_ID,
    NEWEST,
    add_tables,
    connect,
    foreign_parts,
    set_format,
)
from edge_tosca.store.sqlite_errors import sqlite_errors
from edge_tosca.store.wal_check import refuse_foreign_log

_MAX_PAGE_BYTES = 1 << 16

PRIVATE, GROUP = 0o600, 0o660
"""Permissions of a new store: for its user alone, or for its group too. SQLite gives its files the same."""


def create_file(
    path: Path, settings: dict[str, str], cipher: PlainRows, mode: int = PRIVATE
) -> sqlite3.Connection:
    """Create the file of a new store, with the first audit entry.

    Args:
        path: of the file; nothing, an empty file, or the remains of an interrupted call may be there.
        settings: of the store.
        cipher: of its contents.
        mode: its permissions, whatever the umask.

    Returns:
        A connection to it.

    Raises:
        StoreError: something else is there, or the folder cannot be written.
    """
    kind = refuse_existing(path)
    existed, ours, connection = path.exists(), False, None
    try:
        with sqlite_errors(path, changing=True):
            if kind == "zeros":
                os.truncate(path, 0)
            _set_mode(real_path(path), mode)
            connection = connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have made a store here in the meantime.
            if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                raise StoreError(f"{path} exists already; open it, or choose another name")
            ours = True
            add_tables(connection)
            set_format(connection, cipher.encrypted)
            audit_log = AuditLog(connection, cipher)
            audit_log.begin()
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            audit_log.end(settings, "init")
            connection.execute("COMMIT")
    except StoreError:
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        # Without room for its first page, SQLite leaves an empty file.
        if not existed and (ours or _empty(path)):
            # A disk that failed once may fail here too; `init` replaces the remains.
            with contextlib.suppress(OSError):
                for file in files_of(path):
                    file.unlink(missing_ok=True)
        raise
    return connection


def _set_mode(path: Path, mode: int) -> None:
    """Create an empty file with exact permissions, or give them to the one that is there."""
    # SQLite says what is wrong where the file cannot be created.
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, mode))
        path.chmod(mode)


def refuse_existing(path: Path) -> Literal["nothing", "zeros", "other", "database"]:
    """Refuse a place for a new store where something is already.

    Args:
        path: of the future file.

    Returns:
        What is there: nothing, or the remains of an interrupted `create_file`, see `kind_of_file`.

    Raises:
        StoreError: something else is there.
    """
    refuse_other_names(path)
    kind = kind_of_file(path)
    if path.is_dir() or kind == "other" or (kind == "database" and not _without_tables(path)):
        raise StoreError(f"{path} exists already; open it, or choose another name")
    return kind


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
    if kind == "other":
        raise StoreError(f"{path} is not a store of edge-tosca; name one that `init` made")
    refuse_other_names(path)
    refuse_log(path)
    refuse_foreign_log(path)
    with sqlite_errors(path):
        connection = connect(path, immutable=opens_immutable(path))
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        connection.close()
        if _without_tables(path):
            raise _interrupted(path)
        raise StoreError(f"{path} is a database of another program; name a store that `init` made")
    # An older format is read as it is; the first command that writes upgrades it.
    if not 1 <= version <= NEWEST:
        connection.close()
        raise StoreError(f"{path} has format {version}, this program reads {NEWEST}; update edge-tosca")
    with sqlite_errors(path):
        foreign = foreign_parts(connection)
    if foreign:
        connection.close()
        raise StoreError(f"{path} holds {foreign[0]!r:.60}, which edge-tosca did not make; restore a copy")
    return connection


def kind_of_file(path: Path) -> Literal["nothing", "zeros", "other", "database"]:
    """Classify the file at a path.

    Args:
        path: of a store, if there is one.

    Returns:
        "nothing" where there is no file or an empty one; "zeros" for one page of zeros, which a power cut
        leaves if it happens before the first page is on the disk; "other" for a file that is no SQLite
        database.

    Raises:
        StoreError: it may not be read.
    """
    try:
        if not path.is_file() or not path.stat().st_size:
            return "nothing"
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); name another, or allow it") from None
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} cannot be read (Permission denied); name another, or allow it")
    try:
        with contextlib.closing(_read_only(path)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            zeros = path.stat().st_size <= _MAX_PAGE_BYTES and not any(path.read_bytes())
            return "zeros" if zeros else "other"
    return "database"


def _interrupted(path: Path) -> StoreError:
    return StoreError(f"{path}: making this store was interrupted; run again: edge-tosca init {path}")


def _empty(path: Path) -> bool:
    return path.is_file() and not path.stat().st_size


def _without_tables(path: Path) -> bool:
    """Return whether a database has no table, as an interrupted `create_file` leaves it."""
    try:
        with contextlib.closing(_read_only(path)) as connection:
            return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        return False


def _read_only(path: Path) -> sqlite3.Connection:
    how = "immutable=1" if opens_immutable(path) else "mode=ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
