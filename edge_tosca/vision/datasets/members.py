"""Where a dataset's pictures lie: in a folder, or in an archive. One interface for both."""

from pathlib import Path, PurePosixPath
from typing import Protocol

from edge_tosca.errors import PictureError
from edge_tosca.runtime import NamedPicture, PictureSource, look_at
from edge_tosca.runtime.picture_file import BYTES_LIMIT
from edge_tosca.runtime.region import Region
from edge_tosca.system.files import IrregularFileError, open_regular
from edge_tosca.vision.datasets.dataset import unsafe_name


class RefusedError(Exception):
    """A picture that is not taken; the message says why and what to do, in one line."""


class Members(Protocol):
    """Pictures by their names."""

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name, a relative path."""
        ...

    def picture(self, name: str, region: Region | None = None) -> PictureSource:
        """Return the picture of this name.

        Args:
            name: a relative path with "/" between folders.
            region: of the upright picture; None for all of it.

        Raises:
            RefusedError: there is none, or it must not be taken.
        """
        ...


class FolderMembers:
    """Pictures in a folder and its subfolders.

    Args:
        folder: the folder.
        follow_links: take links to pictures outside it, too.
    """

    def __init__(self, folder: Path, follow_links: bool = False) -> None:
        self._folder = folder
        self._inside = folder.resolve()
        self._follow_links = follow_links

    def has(self, name: str) -> bool:
        """Return whether there is a file of this name, see `Members.has`."""
        try:
            return not unsafe_name(name) and (self._folder / name).is_file()
        except (OSError, ValueError):
            return False

    def picture(self, name: str, region: Region | None = None) -> PictureSource:
        """Return the picture of this name, see `Members.picture`."""
        if reason := unsafe_name(name):
            raise RefusedError(reason)
        path = self._folder / PurePosixPath(name.replace("\\", "/"))
        if not self.has(name):
            raise RefusedError(f"there is no such file in {self._folder}; check the name")
        if not self._follow_links and not path.resolve().is_relative_to(self._inside):
            raise RefusedError(
                f"a link that leaves {self._folder}; copy the picture here, or follow links with "
                "--follow-links"
            )
        if reason := look_at(path)[0]:
            raise RefusedError(reason)
        return path if region is None else NamedPicture(str(path), lambda: _content(path), region)


def _content(path: Path) -> bytes:
    try:
        with open_regular(path, BYTES_LIMIT) as file:
            return file.readall()
    except (OSError, IrregularFileError) as error:
        raise PictureError(f"{path}: cannot be read ({error})") from None
