"""Open files of strangers: a pipe named like a picture must not keep a reader waiting for ever."""

import io
import os
import stat
from pathlib import Path


class IrregularFileError(Exception):
    """What lies at a path is nothing to be read whole; the message says what it is, in a few words."""


def open_regular(path: Path, most: int) -> io.FileIO:
    """Open a regular file of a bounded size, without waiting for anything.

    Args:
        path: of the file.
        most: bytes that it may have.

    Returns:
        The open file.

    Raises:
        IrregularFileError: it is a folder, a pipe, a device, a socket, or larger.
        OSError: it is missing or cannot be opened.
    """
    # Opening a device can start it, so it is looked at before; what is looked at can become a pipe meanwhile,
    # so it is opened without waiting and looked at again.
    _require_regular(path.stat(), most)
    file = io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    try:
        _require_regular(os.fstat(file.fileno()), most)
    except IrregularFileError:
        file.close()
        raise
    return file


def _require_regular(status: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IrregularFileError("a folder")
    if not stat.S_ISREG(status.st_mode):
        raise IrregularFileError("not a regular file")
    if status.st_size > most:
        raise IrregularFileError(f"more than {most // 10**6} MB")


def identity(path: Path) -> tuple[int, int] | None:
    """Say which file is found under a path, to notice another one in its place.

    Args:
        path: of the file.

    Returns:
        Its device and inode; None where there is none, as for a store in memory.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
