"""Tell in one line what SQLite cannot do with a store, and what to do about it."""

import contextlib
import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edge_tosca.errors import StoreError, in_one_line
from edge_tosca.store.schema import BUSY_SECONDS

_LEAST_ROOM = 1 << 16
"""Bytes that SQLite's files beside a store begin with; it opens none without them."""


@contextlib.contextmanager
def sqlite_errors(path: Path, *, changing: bool = False) -> Iterator[None]:
    """Tell what SQLite cannot do in one line that says what to do.

    Args:
        path: of the store, for the error.
        changing: what is done inside takes effect as a whole or not at all, and the error is to say so.

    Raises:
        StoreError: the disk is full, another writer held the store too long, or the file is damaged.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        kept = "nothing was changed" if changing else ""
        raise StoreError("; ".join(filter(None, _told(path, in_one_line(error), kept)))) from None
    except sqlite3.DatabaseError as error:
        reason = in_one_line(error)
        raise StoreError(f"{path} is not a readable store ({reason}); restore a copy, or init anew") from None
    # What Python makes of a message of SQLite that quotes bytes of a damaged schema.
    except UnicodeDecodeError:
        raise StoreError(f"{path} is not a readable store; restore a copy, or init anew") from None


def obstacle(path: Path) -> tuple[str, str] | None:
    """Look for what keeps a store from being written.

    Args:
        path: of the store.

    Returns:
        What it is, and what to do; None where the system would allow it.
    """
    folder = _folder(path)
    if not folder.is_dir():
        return f"there is no folder {folder}", "make it, or check the name"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} may not be written", f"check that {folder} allows it"
    # SQLite gives its files the mode that the store had when they were made.
    for suffix in ("", "-wal", "-shm"):
        file = f"{path}{suffix}"
        if os.access(file, os.F_OK) and not os.access(file, os.W_OK):
            # The log holds what was taught last; what lies in shared memory is made anew.
            instead = ", or remove it while nothing uses the store" if suffix == "-shm" else ""
            return f"{file} may not be written", f"allow it with: chmod u+w {file}{instead}"
    return None


def _told(path: Path, reason: str, kept: str) -> tuple[str, ...]:
    if "locked" in reason:
        return f"{path}: another process has been writing for {BUSY_SECONDS:.0f} seconds", "try again"
    unopened = "unable to open" in reason or "readonly" in reason
    if unopened and (found := obstacle(path)) is not None:
        return f"{path} cannot be written ({found[0]})", found[1]
    # SQLite says so only of pages: where a file beside the store finds no room it tells of an error.
    if "full" in reason or ((unopened or "I/O" in reason) and _without_room(path)):
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


def _without_room(path: Path) -> bool:
    try:
        disk = shutil.disk_usage(_folder(path))
    except OSError:
        return False
    # What is no disk, such as /proc, has no size at all.
    return disk.free < min(_LEAST_ROOM, disk.total)


def _folder(path: Path) -> Path:
    return path.parent if path.parent != Path() else Path.cwd()
