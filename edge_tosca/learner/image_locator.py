"""Find the pictures again that a store's features were computed from."""

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
        paths: those that are there, in the order of the features.
        missing: how many are not.
        lost: where those were remembered to be.
        remembered: the files in ``paths``, by index, where the store remembers files of this group.
    """

    paths: tuple[Path, ...]
    missing: int
    lost: tuple[Path, ...] = ()
    remembered: Mapping[int, SourceImage] | None = None


class ImageLocator:
    """Looks where pictures were when they were learned, and in one folder more.

    Args:
        folder: with the pictures, moved or never remembered; None for none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    def find(
        self, task: Task, group: TaskClass, files: Mapping[int, SourceImage], alone: bool
    ) -> LocatedImages:
        """Find the pictures of a group.

        A remembered picture is one with the same bytes, where it was or anywhere in the folder. Of a group of
        which nothing is remembered, all pictures in FOLDER/TASK/CLASS or FOLDER/CLASS are taken.

        Args:
            task: the group's task.
            group: the group.
            files: what is remembered of it.
            alone: no other task teaches a class of this name, so FOLDER/CLASS can only mean this one.

        Returns:
            What is there and what is not.
        """
        if not files:
            paths = self._taught_by_folder(task.name, group.label, alone)
            return LocatedImages(paths, 0 if paths else group.images)
        there: list[SourceImage] = []
        lost = []
        for file in files.values():
            path = self._moved.get(file.sha256) if digest_of_file(file.path) != file.sha256 else file.path
            if path is None:
                lost.append(file.path)
            else:
                there.append(SourceImage(path, file.sha256))
        paths = tuple(file.path for file in there)
        return LocatedImages(paths, group.images - len(paths), tuple(lost), dict(enumerate(there)))

    @cached_property
    def _moved(self) -> dict[str, Path]:
        from edge_tosca.runtime import find_pictures

        if self._folder is None:
            return {}
        digests = {digest_of_file(path): path.absolute() for path in find_pictures(self._folder)}
        return {digest: path for digest, path in digests.items() if digest is not None}

    def _taught_by_folder(self, task: str, label: str, alone: bool) -> tuple[Path, ...]:
        from edge_tosca.runtime import find_pictures

        if self._folder is None:
            return ()
        for place in (self._folder / task / label, *((self._folder / label,) if alone else ())):
            # A name may be anything, "../.." too.
            if place.is_dir() and place.resolve().is_relative_to(self._folder.resolve()):
                return tuple(find_pictures(place))
        return ()
