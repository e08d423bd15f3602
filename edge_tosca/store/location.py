"""Find the files that belong to a store, and refuse names under which they could not be found.

SQLite resolves symbolic links, and then finds the log and the shared memory of a database by its name. The
thumbnails are found in the same way. A store that has a second name in spite of that (a hard link, or a mount
of the single file) would have a second log, which corrupts it ("How To Corrupt An SQLite Database File",
section 2.4).
"""

import os
import stat
from pathlib import Path

from edge_tosca.errors import StoreError


def real_path(store: Path) -> Path:
    """Return the path of a store's file without symbolic links."""
    return Path(os.path.realpath(store))


def log_of(store: Path) -> Path:
    """Return the path of a store's write-ahead log."""
    return Path(f"{real_path(store)}-wal")


def shared_memory_of(store: Path) -> Path:
    """Return the path of the file that the processes which have a store open share as memory."""
    return Path(f"{real_path(store)}-shm")


def thumbnails_of(store: Path) -> Path:
    """Return the path of a store's file of thumbnails."""
    return Path(f"{real_path(store)}.pictures")


def files_of(store: Path) -> list[Path]:
    """List the files of a store that exist, its own file first."""
    every = [real_path(store), log_of(store), shared_memory_of(store), thumbnails_of(store)]
    return [file for file in every if file.is_file()]


def refuse_other_names(store: Path) -> None:
    """Refuse a file that can be reached under a name in another folder or with other companions.

    Args:
        store: path of the file; nothing may be there.

    Raises:
        StoreError: the file has hard links, or is mounted alone, without its folder.
    """
    real = real_path(store)
    try:
        status = real.stat()
    except OSError:
        return
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_nlink > 1:
        raise StoreError(
            f"{store} has {status.st_nlink} names (hard links), and each would have a log of its own; find "
            f"them with: find DIR -samefile {store}; and remove all but one, or open a copy of the file"
        )
    mounts = _mount_of(real), _mount_of(real.parent)
    if None not in mounts and mounts[0] != mounts[1]:
        raise StoreError(
            f"{store} is mounted as a single file, without the log that belongs beside it; mount its folder "
            "instead"
        )


def _mount_of(path: Path) -> str | None:
    """Return the number of the mount that a path is on; None where the system does not say."""
    try:
        # Opened as a path only, which leaves SQLite's locks on the file alone when it is closed.
        file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        lines = Path(f"/proc/self/fdinfo/{file}").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    finally:
        os.close(file)
    return next((line.split()[-1] for line in lines if line.startswith("mnt_id:")), None)
