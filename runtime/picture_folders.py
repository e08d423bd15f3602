"""Find the pictures in an untrusted folder, by what its files are and not by how they are called."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from edge_tosca.errors import PictureError
from edge_tosca.runtime.file_kinds import START_BYTES, FileKind, kind_of, unread_reason
from edge_tosca.runtime.hidden_files import is_hidden
from edge_tosca.runtime.picture_file import BYTES_LIMIT, first_line
from edge_tosca.runtime.picture_formats import is_decoded
from edge_tosca.system.files import IrregularFileError, open_regular

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})
"""A file of such a name is meant to be a picture: what is wrong with it is found when it is decoded."""

_LINK_REMEDY = "copy {what} here, or follow links with --follow-links"


@dataclass(frozen=True)
class PassedOver:
    """A file or link that was not taken.

    Attributes:
        path: of it.
        reason: why, with what to do, in one line.
        picture: whether it is a picture, or a folder that may have some, as far as can be seen.
    """

    path: Path
    reason: str
    picture: bool


@dataclass(frozen=True)
class PictureListing:
    """The result of one walk through a folder.

    Attributes:
        pictures: sorted paths.
        passed_over: what else lies there, sorted by its path; what is hidden or made by a system is left out.
    """

    pictures: list[Path]
    passed_over: list[PassedOver]


def find_pictures(folder: str | os.PathLike[str], *, follow_links: bool = False) -> list[Path]:
    """List the picture files below a folder, see `list_pictures`.

    Args:
        folder: the folder to search, with all its subfolders.
        follow_links: as for `list_pictures`.

    Returns:
        The paths in sorted order.

    Raises:
        PictureError: the folder is missing or not a folder, or a folder in it cannot be searched.
    """
    return list_pictures(folder, follow_links=follow_links).pictures


def list_pictures(folder: str | os.PathLike[str], *, follow_links: bool = False) -> PictureListing:
    """List the pictures and everything else below a folder, in one walk.

    A file is a picture by its first bytes, whatever its name. Hidden files and folders are left out, and so
    are those that systems make, such as thumbnails and bins.

    Args:
        folder: the folder to search, with all its subfolders.
        follow_links: take links to files and folders outside the folder, too. Otherwise links to files are
            taken if they stay inside, and links to folders are not.

    Returns:
        Both lists.

    Raises:
        PictureError: as `find_pictures` does.
    """
    top = Path(folder)
    pictures: list[Path] = []
    others: list[PassedOver] = []
    for entry in _entries(top, follow_links, others):
        reason, picture = _refusal(entry, top, follow_links)
        if reason:
            others.append(PassedOver(Path(entry.path), reason, picture))
        else:
            pictures.append(Path(entry.path))
    return PictureListing(sorted(pictures), sorted(others, key=lambda other: other.path))


def look_at(path: Path) -> tuple[str, bool]:
    """See whether a file is a picture that is decoded, by its first bytes.

    Args:
        path: of a file.

    Returns:
        Why it is not taken, "" if it is; and whether it is a picture.
    """
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return "", True
    try:
        with open_regular(path, BYTES_LIMIT) as file:
            kind = kind_of(file.read(START_BYTES), path.name)
    except IrregularFileError as reason:
        return f"{reason}, not a picture; move it elsewhere", False
    except OSError as error:
        return f"cannot be read ({first_line(error)}); check its permissions", False
    return ("" if is_decoded(kind) else unread_reason(kind)), _is_picture(kind)


def is_picture_file(name: str, start: bytes) -> bool:
    """Return whether a file is meant to be a picture, of whatever kind, by its name or its first bytes.

    Args:
        name: of the file, without its folder.
        start: its first START_BYTES bytes, or all of it where it is shorter.
    """
    named = PurePath(name).suffix.lower() in PICTURE_SUFFIXES | {".heic", ".heif", ".avif"}
    return named or _is_picture(kind_of(start, name))


def _is_picture(kind: FileKind) -> bool:
    return kind.group in ("picture", "unread picture")


def _entries(top: Path, follow_links: bool, others: list[PassedOver]) -> Iterator[os.DirEntry[str]]:
    """Yield the entries that are neither hidden nor folders, and list links to folders that are left out."""
    if not top.is_dir():
        raise PictureError(f"{top}: no such folder; name a folder of pictures")
    # Explicit stacks: os.walk recurses for every level, and folders may be nested arbitrarily deep. Links
    # come last, so that of a folder and a link to it the folder is searched.
    waiting, links = [os.fspath(top)], list[Path]()
    searched: set[tuple[int, int]] = set()
    while waiting or links:
        place = waiting.pop() if waiting else os.fspath(links.pop())
        try:
            status = Path(place).stat()
            if (status.st_dev, status.st_ino) in searched:
                continue
            searched.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_hidden(entry.name):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif not entry.is_symlink() or not Path(entry.path).is_dir():
                        yield entry
                    elif reason := _link_refusal(Path(entry.path), follow_links):
                        others.append(PassedOver(Path(entry.path), reason, picture=True))
                    else:
                        links.append(Path(entry.path))
        except OSError as error:
            raise PictureError(
                f"{_short(place)}: this folder cannot be searched ({first_line(error)}); move it elsewhere"
            ) from None


def _link_refusal(link: Path, follow_links: bool) -> str:
    if not follow_links:
        return f"a link to a folder; {_LINK_REMEDY.format(what='the folder')}"
    if leads_back(link):
        return "a link to a folder that holds it; remove the link"
    return ""


def leads_back(link: Path) -> bool:
    """Return whether a link leads to a folder that holds the link, so that following it would never end.

    Args:
        link: to a folder.
    """
    return link.parent.resolve().is_relative_to(link.resolve())


def _refusal(entry: os.DirEntry[str], top: Path, follow_links: bool) -> tuple[str, bool]:
    path = Path(entry.path)
    named = PurePath(entry.name).suffix.lower() in PICTURE_SUFFIXES
    if entry.is_symlink():
        target = _target(path)
        if target is None:
            return "a link that leads nowhere; copy the picture here", named
        if not follow_links and not target.is_relative_to(top.resolve()):
            return f"a link that leaves the folder; {_LINK_REMEDY.format(what='the picture')}", named
    return look_at(path)


def _target(path: Path) -> Path | None:
    try:
        return path.resolve(strict=True)
    # A broken or circular link; Python before 3.13 raises RuntimeError for the latter.
    except (OSError, RuntimeError):
        return None


def _short(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:120]}...{path[-60:]}"
