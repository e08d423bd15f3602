"""Find the pictures in a folder of a stranger."""

import os
from pathlib import Path, PurePath

from edge_tosca.errors import PictureError
from edge_tosca.runtime.picture_file import first_line

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"})


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
    top = Path(folder)
    if not top.is_dir():
        raise PictureError(f"{top}: no such folder; name a folder of pictures")
    found = []
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
                    elif _is_picture(entry, top):
                        found.append(Path(entry.path))
        except OSError as error:
            raise PictureError(
                f"{_short(place)}: this folder cannot be searched ({first_line(error)}); move it elsewhere"
            ) from None
    return sorted(found)


def _is_picture(entry: os.DirEntry[str], top: Path) -> bool:
    if PurePath(entry.name).suffix.lower() not in PICTURE_SUFFIXES:
        return False
    if not entry.is_symlink():
        return True
    try:
        return Path(entry.path).resolve(strict=True).is_relative_to(top.resolve())
    # A link that leads nowhere or in a circle, of which Python before 3.13 says RuntimeError.
    except (OSError, RuntimeError):
        return False


def _short(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:120]}...{path[-60:]}"
