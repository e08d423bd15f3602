"""Find the pictures in a folder of a stranger."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from edge_tosca.errors import PictureError
from edge_tosca.runtime.picture_file import BYTES_LIMIT, first_line
from edge_tosca.system.files import IrregularFileError, open_regular

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})

_UNREAD_SUFFIXES = frozenset(
    {
        ".heic",
        ".heif",
        ".avif",
        ".jxl",
        ".jp2",
        ".dng",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
        ".orf",
        ".rw2",
        ".raf",
    }
)
"""Of pictures, but of kinds that nothing here decodes."""

KNOWN_SUFFIXES = PICTURE_SUFFIXES | _UNREAD_SUFFIXES
"""Of pictures of any kind."""

_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
"""Of JPEG, PNG, GIF, WebP and TIFF files."""


def find_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """List the picture files below a folder, by their extension.

    Hidden files and folders are left out, and so are links that lead out of the folder or nowhere. Links to
    folders are not followed.

    Args:
        folder: the folder to search, with all its subfolders.

    Returns:
        The paths in sorted order.

    Raises:
        PictureError: the folder is missing or not a folder, or a folder in it cannot be searched.
    """
    return list_pictures(folder).pictures


@dataclass(frozen=True)
class PictureListing:
    """What one walk through a folder found.

    Attributes:
        pictures: in sorted order.
        passed_over: files that look like pictures and are not taken, in sorted order, each with the reason.
    """

    pictures: list[Path]
    passed_over: list[tuple[Path, str]]


def list_pictures(folder: str | os.PathLike[str]) -> PictureListing:
    """List the pictures below a folder, and what was passed over, in one walk.

    Args:
        folder: as for `find_pictures`.

    Returns:
        Both lists.

    Raises:
        PictureError: as `find_pictures` does.
    """
    top = Path(folder)
    pictures, others = [], []
    for entry in _files(top):
        if _is_picture(entry, top):
            pictures.append(Path(entry.path))
        elif reason := _why_not(entry, top):
            others.append((Path(entry.path), reason))
    return PictureListing(sorted(pictures), sorted(others))


def passed_over(folder: str | os.PathLike[str]) -> list[tuple[Path, str]]:
    """List what looks like a picture below a folder, but is none of those that `find_pictures` gives.

    Args:
        folder: the folder to search, with all its subfolders.

    Returns:
        Paths in sorted order, each with the reason and a remedy.

    Raises:
        PictureError: as `find_pictures` does.
    """
    return list_pictures(folder).passed_over


def _files(top: Path) -> Iterator[os.DirEntry[str]]:
    """Walk through what is not hidden and no folder."""
    if not top.is_dir():
        raise PictureError(f"{top}: no such folder; name a folder of pictures")
    # A stack of our own: os.walk calls itself for every level, and folders may be nested without end.
    waiting = [os.fspath(top)]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        yield entry
        except OSError as error:
            raise PictureError(
                f"{_short(place)}: this folder cannot be searched ({first_line(error)}); move it elsewhere"
            ) from None


def _is_picture(entry: os.DirEntry[str], top: Path) -> bool:
    return _suffix(entry) in PICTURE_SUFFIXES and (not entry.is_symlink() or _leads_inside(entry, top))


def _why_not(entry: os.DirEntry[str], top: Path) -> str:
    suffix = _suffix(entry)
    if entry.is_symlink() and Path(entry.path).is_dir():
        return "a link to a folder, which is not followed; move the folder here"
    if suffix in PICTURE_SUFFIXES and not _is_picture(entry, top):
        return "a link that leaves the folder or leads nowhere; copy the picture here"
    if suffix in _UNREAD_SUFFIXES:
        return f"{suffix[1:].upper()} is not read; save it as JPEG"
    if not suffix and _begins_like_a_picture(Path(entry.path)):
        return "a picture without a suffix; add .jpg or what it is to its name"
    return ""


def _suffix(entry: os.DirEntry[str]) -> str:
    return PurePath(entry.name).suffix.lower()


def _leads_inside(entry: os.DirEntry[str], top: Path) -> bool:
    try:
        return Path(entry.path).resolve(strict=True).is_relative_to(top.resolve())
    # A link that leads nowhere or in a circle, of which Python before 3.13 says RuntimeError.
    except (OSError, RuntimeError):
        return False


def _begins_like_a_picture(path: Path) -> bool:
    try:
        with open_regular(path, BYTES_LIMIT) as file:
            return file.read(4).startswith(_BEGINNINGS)
    except (OSError, IrregularFileError):
        return False


def _short(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:120]}...{path[-60:]}"
