"""Open untrusted files without blocking on a pipe or a device, write files atomically, and identify files."""

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_SECRETS = "/run/secrets"


class IrregularFileError(Exception):
    """A path names no regular file of an accepted size; the message says in a few words what it names."""


def open_regular(path: Path, most: int) -> io.FileIO:
    """Open a regular file of a bounded size, without blocking.

    Args:
        path: of the file.
        most: largest accepted size in bytes.

    Returns:
        The open file.

    Raises:
        IrregularFileError: it is a folder, a pipe, a device, a socket, or larger.
        OSError: it is missing or cannot be opened.
    """
    # Opening a device can start it, so the path is checked before. It can become a pipe between the check and
    # the opening, so the file is opened without blocking and checked again.
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


def write_atomically(
    path: Path, write: Callable[[BinaryIO], object], *, mode: int = 0o600, replace: bool = True
) -> None:
    """Write a file completely or not at all, even if the disk fills up or the power fails.

    The content is written and synced to a temporary file in the same folder, which is then renamed.

    Args:
        path: of the file.
        write: called once, with a file open for writing.
        mode: permissions of the file from its creation on, less the umask.
        replace: an existing file may be replaced; it is refused otherwise.

    Raises:
        FileExistsError: the file exists and is not to be replaced.
        OSError: it cannot be written; nothing is left behind.
    """
    if not replace:
        # The name is reserved first: a rename would replace a file that another process created meanwhile.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    beside = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        for file_left in [beside] if replace else [beside, path]:
            with contextlib.suppress(OSError):
                file_left.unlink()
        raise


def is_exposed(path: Path, status: os.stat_result) -> bool:
    """Return whether other users may read a file that holds a secret, by the rule of ssh.

    Of a file of this user, neither its group nor others may have any right. A file of another user was given
    to this one, for example by its group; others may have no right. Where a service manager or a container
    hands out secrets, it answers for them: below $CREDENTIALS_DIRECTORY, and files of root below
    /run/secrets, which containers mount with mode 0444. A pipe or a device has no readers to fear.

    Args:
        path: of the file.
        status: of the open file.
    """
    if not stat.S_ISREG(status.st_mode):
        return False
    forbidden = stat.S_IRWXG | stat.S_IRWXO if status.st_uid == os.geteuid() else stat.S_IRWXO
    if not status.st_mode & forbidden:
        return False
    real = Path(os.path.realpath(path))
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and real.is_relative_to(os.path.realpath(credentials)):
        return False
    return status.st_uid != 0 or not real.is_relative_to(os.path.realpath(_SECRETS))


def why_unwritable(folder: Path) -> str | None:
    """Return why no file can be made in a folder, to be asked before long work for that file.

    Args:
        folder: it may not exist yet.

    Returns:
        That it or its first existing parent is no folder or cannot be written; None where it can.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir():
        return f"{existing} is not a folder"
    if not os.access(existing, os.W_OK | os.X_OK):
        return f"{existing} cannot be written"
    return None


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return the identity of the file at a path, which changes when another file replaces it.

    Args:
        path: of the file.

    Returns:
        Its device and inode; None where there is no file, as for a store in memory.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def give_to_owner_of(path: Path, model: Path) -> None:
    """Give a file that root made to the user to whom its neighbour belongs, who could not write it otherwise.

    Args:
        path: of the file.
        model: a file or folder of that user.
    """
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            owner = model.stat()
            os.chown(path, owner.st_uid, owner.st_gid)


def sync_folder(folder: Path) -> None:
    """Let renames in a folder survive a power cut, where its file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
