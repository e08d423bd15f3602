"""Find the pictures in an untrusted folder."""

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
"""Extensions of pictures that are not decoded here."""

KNOWN_SUFFIXES = PICTURE_SUFFIXES | _UNREAD_SUFFIXES
"""Extensions of pictures of any kind."""

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
"""First bytes of JPEG, PNG, GIF, WebP and TIFF files."""


def find_pictures(folder: str | os.PathLike[str]) -> list[Path]:
    """List the picture files below a folder, by their extension.

    Hidden files and folders are skipped, and so are links that leave the folder or are broken. Links to
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
    """The result of one walk through a folder.

    Attributes:
        pictures: sorted paths.
        passed_over: sorted paths of skipped files that look like pictures, each with the reason.
    """

    pictures: list[Path]
    passed_over: list[tuple[Path, str]]


def list_pictures(folder: str | os.PathLike[str]) -> PictureListing:
    """List the pictures and the skipped files below a folder, in one walk.

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
        elif reason := _skip_reason(entry, top):
            others.append((Path(entry.path), reason))
    return PictureListing(sorted(pictures), sorted(others))


def passed_over(folder: str | os.PathLike[str]) -> list[tuple[Path, str]]:
    """List the files below a folder that look like pictures but are skipped by `find_pictures`.

    Args:
        folder: the folder to search, with all its subfolders.

    Returns:
        Sorted paths, each with the reason and a remedy.

    Raises:
        PictureError: as `find_pictures` does.
    """
    return list_pictures(folder).passed_over


def _files(top: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the entries that are neither hidden nor folders."""
    if not top.is_dir():
        raise PictureError(f"{top}: no such folder; name a folder of pictures")
    # An explicit stack: os.walk recurses for every level, and folders may be nested arbitrarily deep.
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


def _skip_reason(entry: os.DirEntry[str], top: Path) -> str:
    suffix = _suffix(entry)
    if entry.is_symlink() and Path(entry.path).is_dir():
        return "a link to a folder, which is not followed; move the folder here"
    if suffix in PICTURE_SUFFIXES and not _is_picture(entry, top):
        return "a link that leaves the folder or leads nowhere; copy the picture here"
    if suffix in _UNREAD_SUFFIXES:
        return f"{suffix[1:].upper()} is not read; save it as JPEG"
    if not suffix and _has_picture_signature(Path(entry.path)):
        return "a picture without a suffix; add .jpg or what it is to its name"
    return ""


def _suffix(entry: os.DirEntry[str]) -> str:
    return PurePath(entry.name).suffix.lower()


def _leads_inside(entry: os.DirEntry[str], top: Path) -> bool:
    try:
        return Path(entry.path).resolve(strict=True).is_relative_to(top.resolve())
    # A broken or circular link; Python before 3.13 raises RuntimeError for the latter.
    except (OSError, RuntimeError):
        return False


def _has_picture_signature(path: Path) -> bool:
    try:
        with open_regular(path, BYTES_LIMIT) as file:
            return file.read(4).startswith(_SIGNATURES)
    except (OSError, IrregularFileError):
        return False


def _short(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:120]}...{path[-60:]}"
