"""What a lesson may be made of: label to pictures, a folder, an archive, a list, another program's export."""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from edge_tosca.errors import LearnError
from edge_tosca.labels import normalized_label
from edge_tosca.learner.picture_features import LessonPictures
from edge_tosca.results import Skipped
from edge_tosca.vision.image_folder import list_images

if TYPE_CHECKING:
    from edge_tosca.runtime import PictureSource
    from edge_tosca.runtime.region import Region
    from edge_tosca.vision.datasets.dataset import Dataset


def lesson_pictures(
    source: "str | PathLike[str] | Mapping[str, Iterable[PictureSource] | PictureSource]",
    passed_over: Mapping[str, Sequence[Skipped]] | None,
    follow_links: bool,
) -> LessonPictures:
    """Find the pictures of a lesson.

    Args:
        source: a folder of class folders, an archive, a list, JSON, or label to pictures: several, one, or a
            folder of them.
        passed_over: label to files that are not in a mapping, for the report.
        follow_links: take links to pictures outside a folder, too.

    Returns:
        The pictures, by class.

    Raises:
        LearnError: a label is not valid, or the source cannot be read or has no class.
    """
    if isinstance(source, Mapping):
        by_class: dict[str, list[PictureSource]] = {}
        skipped = {label: list(entries) for label, entries in (passed_over or {}).items()}
        for label, items in source.items():
            name = normalized_label(label)
            by_class.setdefault(name, []).extend(
                _pictures_of(items, skipped.setdefault(name, []), follow_links)
            )
        return LessonPictures(by_class, None, skipped)
    path = Path(source)
    from edge_tosca.vision.datasets.frigate import class_folders, without_reserved
    from edge_tosca.vision.datasets.open_dataset import described_folder, open_dataset

    dataset = open_dataset(path, follow_links=follow_links) if path.is_file() else None
    dataset = dataset or described_folder(path, follow_links=follow_links)
    if dataset is not None:
        return _of_dataset(dataset)
    folder = class_folders(path)
    found = list_images(folder, follow_links=follow_links)
    if folder != path:
        found = without_reserved(found)
    return LessonPictures(found.pictures, folder, found.skipped)


def _pictures_of(
    items: "Iterable[PictureSource] | PictureSource", skipped: list[Skipped], follow_links: bool
) -> "Iterable[PictureSource]":
    """Return the pictures of a class: one, several, or those of a folder."""
    if isinstance(items, str | PathLike) and Path(items).is_dir():
        from edge_tosca.runtime import list_pictures

        found = list_pictures(items, follow_links=follow_links)
        skipped += [Skipped(str(other.path), other.reason) for other in found.passed_over]
        return found.pictures
    return one_or_several(items)


def one_or_several(items: "Iterable[PictureSource] | PictureSource") -> "Iterable[PictureSource]":
    """Return pictures, of which there may be one, which is iterable itself.

    Args:
        items: a picture, or several: an array of four dimensions, a list, an iterator.
    """
    if isinstance(items, np.ndarray):
        return list(items) if items.ndim == 4 else [items]
    if isinstance(items, str | PathLike | bytes | bytearray):
        return [items]
    if isinstance(items, memoryview) or hasattr(items, "read"):
        return [cast("PictureSource", items)]
    # A PIL image, for example.
    return items if isinstance(items, Iterable) else [items]


def require_paths(pictures: LessonPictures, region: "Region | None") -> None:
    """Raise for a lesson whose pictures could not be read again by `migrate`.

    Args:
        pictures: of a lesson whose paths are to be stored.
        region: of each picture; None for all of it.

    Raises:
        LearnError: the pictures lie in an archive, or parts of them are learned.
    """
    from edge_tosca.runtime import NamedPicture

    if region is not None:
        raise LearnError(
            "paths are stored so that `migrate` can read the pictures again, and it would read them whole; "
            "leave out --remember or --region"
        )
    if any(isinstance(one, NamedPicture) for items in pictures.by_class.values() for one in items):
        raise LearnError(
            "paths are stored so that `migrate` can read the pictures again, and members of an archive and "
            "boxes have none; leave out --remember, or unpack the pictures into class folders"
        )


def _of_dataset(found: "Dataset") -> LessonPictures:
    if not found.pictures:
        first = found.all_skipped[0] if found.all_skipped else None
        reason = f"; {first.path}: {first.reason}" if first is not None else "; add pictures"
        raise LearnError(f"{found.name} has no picture that can be learned{reason}")
    return LessonPictures(found.pictures, None, found.skipped)
