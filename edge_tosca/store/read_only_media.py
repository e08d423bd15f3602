"""Open a store on media that cannot be written, where SQLite can create neither log nor shared memory.

SQLite then reads the file as immutable: without locks, and without a look at the log. So the log must be
empty, and a file that changes all the same (its media are written elsewhere) must be opened again.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.location import log_of, real_path, shared_memory_of


@dataclass(frozen=True)
class FileVersion:
    """What changes when a file is written.

    Attributes:
        inode: of the file.
        bytes: its size.
        modified: time of the last change, in nanoseconds.
        log: size of its log in bytes.
    """

    inode: int
    bytes: int
    modified: int
    log: int

    @classmethod
    def of(cls, store: Path) -> "FileVersion | None":
        """Return the version of a store's file; None where there is none."""
        try:
            status = store.stat()
        except OSError:
            return None
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, _size(log_of(store)))


def on_read_only_file_system(store: Path) -> bool:
    """Return whether the folder of a store is on a file system that is mounted read-only."""
    try:
        return bool(os.statvfs(real_path(store).parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def opens_immutable(store: Path) -> bool:
    """Return whether a store can be read only as an immutable file: its log is empty and cannot be written.

    Args:
        store: path of the file.
    """
    if _size(log_of(store)):
        return False
    if on_read_only_file_system(store):
        return True
    # Shared memory says that another user's process writes the store: SQLite reads what that one shares.
    writable = os.access(real_path(store).parent, os.W_OK | os.X_OK)
    return not writable and not shared_memory_of(store).exists()


def refuse_log(store: Path) -> None:
    """Refuse a store whose log holds changes that cannot be read or written back here.

    Args:
        store: path of the file.

    Raises:
        StoreError: the file system is read-only, and the log beside the store is not empty.
    """
    log = log_of(store)
    if on_read_only_file_system(store) and _size(log):
        raise StoreError(
            f"{store} is on a read-only file system and {log} holds changes that are not in it yet; mount it "
            f"writable once and run: edge-tosca store check {store}; or copy both files to a folder that can "
            "be written"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
