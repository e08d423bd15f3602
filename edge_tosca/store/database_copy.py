"""Copy an SQLite file as it is at one moment, and put a copy in the place of a file."""

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.sqlite_errors import sqlite_errors
from edge_tosca.store.wal_check import refuse_foreign_log
from edge_tosca.system.files import give_to_owner_of, sync_folder

BESIDE = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite makes beside a database."""

PICTURES = ".pictures"

_SECONDS = 2.0
"""How long to wait for another process to close a file that is to be replaced."""


def copy_database(source: Path, copy: Path, named: Path) -> None:
    """Copy an SQLite file with the log beside it, while other processes read and write it.

    Args:
        source: of the copy.
        copy: path of the copy, which does not exist; for its owner only.
        named: path to name in errors.

    Raises:
        StoreError: the disk is full, or the source cannot be read.
    """
    try:
        os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"{named} cannot be written ({reason}); check that {named.parent} allows it"
        ) from None
    with (
        sqlite_errors(named),
        contextlib.closing(_reading(source)) as original,
        contextlib.closing(sqlite3.connect(copy)) as out,
    ):
        # The whole file is synced at the end; a copy that is interrupted is deleted.
        out.execute("PRAGMA synchronous = OFF")
        original.backup(out)
    _sync(copy, named)


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Reserve a name beside a file for its successor, and delete what is still there afterwards.

    Args:
        target: path of the file that the successor will replace.

    Yields:
        The path of the successor.
    """
    path = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        yield path
    finally:
        for suffix in ("", *BESIDE, PICTURES, f"{PICTURES}-journal"):
            with contextlib.suppress(OSError):
                Path(f"{path}{suffix}").unlink()


def put_in_place(successor: Path, target: Path, kept: Path | None = None, *, force: bool = False) -> None:
    """Let a staged file take the place of another one, with its pictures, in one step.

    Args:
        successor: path of the staged file; no connection to it is open.
        target: its final path, behind all links.
        kept: where the file that it replaces is kept; None to delete that file.
        force: there may be a file to replace.

    Raises:
        StoreError: a file is there and is not to be replaced, or another process has it open.
    """
    try:
        if not force:
            _publish(successor, target)
        elif not target.exists():
            successor.replace(target)
        else:
            give_to_owner_of(successor, target)
            _replace(successor, target, kept)
        _place_pictures(Path(f"{successor}{PICTURES}"), target, kept)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"{target} cannot be replaced ({reason}); check that the folder allows it") from None
    sync_folder(target.parent)


def _publish(successor: Path, target: Path) -> None:
    give_to_owner_of(successor, target.parent)
    try:
        os.link(successor, target)
    except FileExistsError:
        raise StoreError(f"{target} exists already; choose another name, or add --force") from None
    except OSError:
        # A file system without hard links, such as that of a memory stick.
        if target.exists():
            raise StoreError(f"{target} exists already; choose another name, or add --force") from None
        successor.replace(target)


def _replace(successor: Path, target: Path, kept: Path | None) -> None:
    with _only_user(target) as readable:
        if kept is not None:
            if not readable:
                _move_log(target, kept)
            _keep(target, kept)
        elif not readable:
            _delete_log(target)
        successor.replace(target)
    if kept is not None and readable:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(kept)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")


@contextlib.contextmanager
def _only_user(path: Path) -> Iterator[bool]:
    """Keep other processes from a file that is being replaced, and merge its log into it.

    The log and its index are found by name: a process that had the old file open would share them with those
    that open the new one.
    """
    connection = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)
    try:
        try:
            refuse_foreign_log(path)
            # It leaves this mode only while no other process has the file open.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
        except (sqlite3.OperationalError, sqlite3.DatabaseError, StoreError) as error:
            if "locked" in str(error):
                raise StoreError(
                    f"another process has {path} open; stop it, for example with: "
                    "sudo systemctl stop edge-tosca-console"
                ) from None
            yield False
            return
        try:
            yield True
        except BaseException:
            connection.execute("ROLLBACK")
            connection.execute("PRAGMA journal_mode = WAL")
            raise
    finally:
        connection.close()


def _keep(target: Path, kept: Path) -> None:
    try:
        os.link(target, kept)
    except OSError:
        with contextlib.ExitStack() as undo:
            undo.callback(kept.unlink, missing_ok=True)
            shutil.copyfile(target, kept)
            undo.pop_all()
    with contextlib.suppress(OSError):
        kept.chmod(0o600)


def _move_log(target: Path, kept: Path) -> None:
    for suffix in BESIDE:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{target}{suffix}").rename(f"{kept}{suffix}")


def _delete_log(target: Path) -> None:
    for suffix in BESIDE:
        Path(f"{target}{suffix}").unlink(missing_ok=True)


def _place_pictures(pictures: Path, target: Path, kept: Path | None) -> None:
    place = Path(f"{target}{PICTURES}")
    if not pictures.exists():
        # A replaced copy is replaced as a whole. A store keeps its pictures, which its classes are named by.
        if kept is None:
            place.unlink(missing_ok=True)
        return
    if place.exists() and kept is not None:
        place.rename(f"{kept}{PICTURES}")
    give_to_owner_of(pictures, target)
    pictures.replace(place)


def _reading(source: Path) -> sqlite3.Connection:
    address = f"{source.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        log = Path(f"{source}-wal")
        if log.exists() and log.stat().st_size:
            raise
        # On a read-only medium SQLite cannot make the index of the log, and there is no log.
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?immutable=1", uri=True)
    return connection


def _sync(path: Path, named: Path) -> None:
    try:
        handle = os.open(path, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(
            f"{named} cannot be written ({error.strerror}); check the disk and try again"
        ) from None
