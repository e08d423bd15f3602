"""Translate errors of SQLite into a `StoreError` of one line, with its remedy."""

import contextlib
import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edge_tosca.errors import ReadOnlyStoreError, StoreError, in_one_line
from edge_tosca.store.location import real_path
from edge_tosca.store.read_only_media import on_read_only_file_system, opens_immutable
from edge_tosca.store.schema import BUSY_SECONDS

_MIN_FREE_BYTES = 1 << 16
"""Free bytes that SQLite needs to open a store: its files beside the store begin with as many."""


@contextlib.contextmanager
def sqlite_errors(path: Path, *, changing: bool = False) -> Iterator[None]:
    """Translate errors of SQLite in the block.

    Args:
        path: of the store, for the error.
        changing: the block is a transaction; the error adds that nothing was changed.

    Raises:
        StoreError: the disk is full, another writer held the store too long, or the file is damaged.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        kept = "nothing was changed" if changing else ""
        raise StoreError("; ".join(filter(None, _explained(path, in_one_line(error), kept)))) from None
    except sqlite3.DatabaseError as error:
        reason = in_one_line(error)
        raise StoreError(
            f"{path} is not a readable store ({reason}); restore a copy, or init a new store"
        ) from None
    # Python raises it for a message of SQLite that quotes bytes of a damaged schema.
    except UnicodeDecodeError:
        raise StoreError(f"{path} is not a readable store; restore a copy, or init a new store") from None


def obstacle(path: Path) -> tuple[str, str] | None:
    """Find a permission that keeps a store from being written.

    Args:
        path: of the store.

    Returns:
        The obstacle and its remedy; None where the system allows to write.
    """
    folder = _folder(path)
    if not folder.is_dir():
        return f"there is no folder {folder}", "make it, or check the name"
    if on_read_only_file_system(path):
        return f"{folder} is on a read-only file system", "mount it writable, or use a copy of the store"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} may not be written", f"check that {folder} allows it"
    # SQLite creates its files with the mode that the store has at that moment.
    for suffix in ("", "-wal", "-shm"):
        file = f"{real_path(path)}{suffix}"
        if os.access(file, os.F_OK) and not os.access(file, os.W_OK):
            # The log holds the latest changes; SQLite makes the shared memory again.
            instead = ", or remove it while nothing uses the store" if suffix == "-shm" else ""
            return f"{file} may not be written", f"allow it with: chmod u+w {file}{instead}"
    return None


def refuse_read_only(path: Path) -> None:
    """Refuse to change a store that can only be read where it is.

    Args:
        path: of the store.

    Raises:
        ReadOnlyStoreError: it can only be read.
    """
    if opens_immutable(path):
        reason, remedy = obstacle(path) or ("its folder may not be written", "check its folder")
        raise ReadOnlyStoreError(f"{path} can be read but not changed ({reason}); {remedy}")


def _explained(path: Path, reason: str, kept: str) -> tuple[str, ...]:
    if "locked" in reason:
        return f"{path}: another process has been writing for {BUSY_SECONDS:.0f} seconds", "try again"
    unopened = "unable to open" in reason or "readonly" in reason
    if unopened and (found := obstacle(path)) is not None:
        return f"{path} cannot be written ({found[0]})", found[1]
    # SQLite reports a full disk for pages of the store only; for its files beside it, an I/O error.
    if "full" in reason or ((unopened or "I/O" in reason) and _disk_full(path)):
        return f"{path}: the disk is full", kept, "make room and try again"
    if unopened:
        return f"{path} cannot be written ({reason})", f"check that {_folder(path)} allows it"
    if "I/O" not in reason:
        return f"{path}: {reason}", kept
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if most != resource.RLIM_INFINITY:
        about = f"{reason}, and no file may exceed {most} bytes here"
        return f"{path}: {about}", kept, "allow larger ones with: ulimit -f"
    return f"{path}: {reason}", kept, "check the disk and the system's log"


def _disk_full(path: Path) -> bool:
    try:
        disk = shutil.disk_usage(_folder(path))
    except OSError:
        return False
    # A file system without a disk, such as /proc, has size zero.
    return disk.free < min(_MIN_FREE_BYTES, disk.total)


def _folder(path: Path) -> Path:
    return real_path(path).parent
