"""A look at a folder: which files are there, and which of them were not there at the look before."""

import os
import stat
from collections.abc import Container, Iterable
from pathlib import Path
from typing import NamedTuple, Self

from edge_tosca.errors import CameraError

_UNFINISHED = ("~", ".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload")
"""Endings of files that their program renames when they are complete."""


class Content(NamedTuple):
    """Identity of a file's content, whatever its name; compared for being the same, never for being later."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Return the identity of a file's content.

        Args:
            status: of the file.
        """
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class _File(NamedTuple):
    content: Content
    entry: int
    changed: int


class Look:
    """The files that a look at a folder has found.

    Attributes:
        names: a name of each content.
    """

    def __init__(self, files: dict[str, _File]) -> None:
        self._files = files
        self.names = {file.content: name for name, file in files.items()}

    def by_date(self) -> list[Content]:
        """Return all contents, the one with the latest date last."""
        return sorted(self.names, key=lambda content: (content.modified, self.names[content]))

    def in_order(self, contents: Iterable[Content]) -> list[Content]:
        """Sort contents by the time at which the system wrote their files last, then by name.

        Args:
            contents: of this look.
        """
        names = {content: self.names[content] for content in contents}
        return sorted(names, key=lambda content: (self._files[names[content]].changed, names[content]))

    def new_since(self, before: "Look", left: Container[Content]) -> list[Content]:
        """Return what is new since a look at the same folder that may have been another mount of it.

        Devices and inodes may then have other numbers, so a file of the same name, size and date is the same.

        Args:
            before: the last look.
            left: contents of it that are not read yet.
        """
        seen = {content: name for content, name in before.names.items() if content not in left}
        same = {(name, content.size, content.modified) for content, name in seen.items()}
        return self.in_order(
            content
            for content, name in self.names.items()
            if content not in seen and (name, content.size, content.modified) not in same
        )

    def note(self, content: Content, found: Content) -> None:
        """Record that a file had another content when it was read.

        Args:
            content: which it had at this look.
            found: which was read.
        """
        name = self.names[content]
        self._files[name] = self._files[name]._replace(content=found)
        self.names[found] = name

    def again(self, path: Path, full: bool) -> "Look":
        """Look once more.

        Args:
            path: of the folder.
            full: read every file's state; otherwise only of names and inodes that were not there, which is
                fast and misses what was overwritten in place.

        Raises:
            CameraError: the folder cannot be read.
        """
        return _look(path, {} if full else self._files)


def look(path: Path) -> Look:
    """Look at a folder for the first time.

    Args:
        path: of the folder.

    Raises:
        CameraError: the folder is missing, no folder, or cannot be read.
    """
    return _look(path, {})


def _look(path: Path, known: dict[str, _File]) -> Look:
    files: dict[str, _File] = {}
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                file = known.get(name)
                if file is None or file.entry != entry.inode():
                    file = _file(entry)
                if file is not None:
                    files[name] = file
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CameraError(f"{path}: {reason}; name a folder that pictures are written to") from None
    return Look(files)


def _file(entry: os.DirEntry[str]) -> _File | None:
    name = entry.name
    if name.startswith(".") or name.lower().endswith(_UNFINISHED):
        return None
    try:
        status = entry.stat()
    except OSError:
        # It was removed since, or is a link that leads nowhere.
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return _File(Content.of(status), entry.inode(), status.st_ctime_ns)
