"""Locate the pictures that a store's features were computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edge_tosca.store.source_images import SourceImage, digest_of_file
from edge_tosca.store.state import Task, TaskClass


@dataclass(frozen=True)
class LocatedImages:
    """The pictures of one group.

    Attributes:
        paths: the files that were found, in the order of the features.
        missing: number of pictures that were not found.
        lost: stored paths of the missing ones.
        remembered: the files in `paths` by index, if the store has source images of this group; None if not.
    """

    paths: tuple[Path, ...]
    missing: int
    lost: tuple[Path, ...] = ()
    remembered: Mapping[int, SourceImage] | None = None


class ImageLocator:
    """Searches the stored paths of pictures, and one more folder.

    Args:
        folder: with pictures that were moved or whose paths were never stored; None for none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def find(
        self, task: Task, group: TaskClass, files: Mapping[int, SourceImage], alone: bool
    ) -> LocatedImages:
        """Find the pictures of a group.

        A source image is found if a file has the same bytes, at its path or anywhere in the folder. For a
        group without source images, all pictures in FOLDER/TASK/CLASS or FOLDER/CLASS are taken.

        Args:
            task: the group's task.
            group: the group.
            files: its source images, by index of the feature.
            alone: no other task has a class of this name, so that FOLDER/CLASS can only be this one.

        Returns:
            The pictures that were found, and the missing ones.
        """
        if not files:
            paths = self._class_folder(task.name, group.label, alone)
            return LocatedImages(paths, 0 if paths else group.images)
        found: list[SourceImage] = []
        lost = []
        for file in files.values():
            path = self._moved.get(file.sha256) if digest_of_file(file.path) != file.sha256 else file.path
            if path is None:
                lost.append(file.path)
            else:
                found.append(SourceImage(path, file.sha256))
        paths = tuple(file.path for file in found)
        return LocatedImages(paths, group.images - len(paths), tuple(lost), dict(enumerate(found)))

    @cached_property
    def _moved(self) -> dict[str, Path]:
        from edge_tosca.runtime import find_pictures

        if self._folder is None:
            return {}
        digests = {digest_of_file(path): path.absolute() for path in find_pictures(self._folder)}
        return {digest: path for digest, path in digests.items() if digest is not None}

    def _class_folder(self, task: str, label: str, alone: bool) -> tuple[Path, ...]:
        from edge_tosca.runtime import find_pictures

        if self._folder is None:
            return ()
        for place in (self._folder / task / label, *((self._folder / label,) if alone else ())):
            # A name may be "../..", which would lead out of the folder.
            if place.is_dir() and place.resolve().is_relative_to(self._folder.resolve()):
                return tuple(find_pictures(place))
        return ()
