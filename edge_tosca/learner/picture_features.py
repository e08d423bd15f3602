"""Turn the pictures of a lesson into its classes: features, names, digests, and what was skipped or noted."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_tosca.errors import LearnError
from edge_tosca.features.sampling import evenly
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.quality.border import PICTURES
from edge_tosca.results import Note, Skipped
from edge_tosca.store.source_images import SourceImage
from edge_tosca.vision.feature_extractor import FeatureExtractor

if TYPE_CHECKING:
    from edge_tosca.runtime import Extracted, PictureSource
    from edge_tosca.runtime.region import Region


@dataclass(frozen=True)
class LessonPictures:
    """The pictures of one lesson.

    Attributes:
        by_class: label to pictures.
        folder: with one folder per class, for messages; None where the pictures come from elsewhere.
        passed_over: label to files that were not taken, for the report.
    """

    by_class: "Mapping[str, Sequence[PictureSource]]"
    folder: Path | None
    passed_over: Mapping[str, Sequence[Skipped]]

    @property
    def has_parts(self) -> bool:
        """Whether a part of some picture is learned, in place of all of it."""
        return any(
            getattr(picture, "region", None) is not None
            for items in self.by_class.values()
            for picture in items
        )

    def require_some(self) -> None:
        """Raise for a class without a picture, before any feature is computed.

        Raises:
            LearnError: a class has no picture.
        """
        for label, items in self.by_class.items():
            if not items:
                raise self.without_pictures(label, next(iter(self.passed_over.get(label, ())), None))

    def without_pictures(self, label: str, skipped: Skipped | None) -> LearnError:
        """Return the error for a class of which no picture can be read.

        Args:
            label: the class.
            skipped: one of its files, with the reason.
        """
        where = "" if self.folder is None else f" in {self.folder / label}"
        reason = "" if skipped is None else f" ({skipped.reason})"
        return LearnError(
            f"class {label!r} has no readable picture{where}{reason}; nothing was learned; "
            "add pictures, or remove the class"
        )


@dataclass(frozen=True)
class ExtractedLesson:
    """What a lesson's pictures yielded.

    Attributes:
        classes: label to features.
        skipped: files that were not taken, and pictures that could not be read.
        notes: pictures that were read although their files lack their end.
    """

    classes: dict[str, LessonClass]
    skipped: list[Skipped]
    notes: list[Note]


def extract_lesson(
    vision: FeatureExtractor,
    pictures: LessonPictures,
    remember: bool,
    on_progress: Callable[[int, int], None] | None,
    region: "Region | None" = None,
) -> ExtractedLesson:
    """Compute the features of a lesson's pictures.

    Args:
        vision: the backbone.
        pictures: of the lesson.
        remember: keep the paths of the pictures' files.
        on_progress: called with the number of pictures done and of all pictures.
        region: of each upright picture; None for all of it.

    Returns:
        The classes of the lesson.

    Raises:
        LearnError: a class has no readable picture.
    """
    sources = [(label, picture) for label, items in pictures.by_class.items() for picture in items]
    on_done = None if on_progress is None else lambda done: on_progress(done, len(sources))
    read: dict[str, list[Extracted]] = {label: [] for label in pictures.by_class}
    skipped = [entry for entries in pictures.passed_over.values() for entry in entries]
    unread = {label: entries[0] for label, entries in pictures.passed_over.items() if entries}
    notes = []
    with_areas = _with_areas(pictures.by_class)
    # A lesson of one class has no other border to compare with.
    several = len(pictures.by_class) > 1
    extracted = vision.extract(
        (picture for _, picture in sources), on_done, digests=True, areas=several, region=region
    )
    for (label, source), picture in zip(sources, extracted, strict=True):
        if picture.features is None:
            skipped.append(Skipped(name_of(source), picture.error or "unreadable"))
            unread.setdefault(label, skipped[-1])
            continue
        if picture.note is not None:
            notes.append(Note(name_of(source), picture.note))
        read[label].append(picture if picture.index in with_areas else replace(picture, areas=None))
    for label, found in read.items():
        if not found:
            raise pictures.without_pictures(label, unread.get(label))
    classes = {label: _lesson_class(found, remember) for label, found in read.items()}
    return ExtractedLesson(classes, skipped, notes)


def name_of(source: object) -> str:
    """Return a picture's name in reports: its path or name, or "picture" for one without."""
    if isinstance(source, str | PathLike):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "picture"


def _lesson_class(pictures: "Sequence[Extracted]", remember: bool) -> LessonClass:
    sources = {
        place: SourceImage(Path(os.fsdecode(picture.source)).absolute(), picture.sha256)
        for place, picture in enumerate(pictures)
        if remember and isinstance(picture.source, str | PathLike) and picture.sha256 is not None
    }
    return LessonClass(
        np.stack([picture.features for picture in pictures if picture.features is not None]),
        [name_of(picture.source) for picture in pictures],
        [picture.sha256 for picture in pictures],
        sources,
        {place: picture.areas for place, picture in enumerate(pictures) if picture.areas is not None},
    )


def _with_areas(by_class: "Mapping[str, Sequence[PictureSource]]") -> set[int]:
    """Choose pictures of each class, evenly, by place among all pictures: areas of all would fill memory."""
    chosen: set[int] = set()
    begin = 0
    for items in by_class.values():
        chosen.update((begin + evenly(len(items), PICTURES)).tolist())
        begin += len(items)
    return chosen
