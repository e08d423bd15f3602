"""What the words of `learn` name: class folders, a file of labelled pictures, pictures of a class, a pipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edge_tosca.cli.questions import STANDARD_INPUT
from edge_tosca.errors import LearnError
from edge_tosca.results import Skipped

if TYPE_CHECKING:
    from edge_tosca.runtime import PictureSource
    from edge_tosca.vision.datasets.dataset import Dataset

PIPED_LIMIT = 1 << 30
"""Bytes of an archive or a list that a pipe gives; it is held in memory."""

_USAGE = "name one folder of class folders or one file of pictures, or give --class NAME with the pictures"


@dataclass(frozen=True)
class FoundLesson:
    """What is to be learned, as `Learner.learn` takes it.

    Attributes:
        source: a path, or label to pictures.
        passed_over: label to files that are not taken.
    """

    source: "Path | Mapping[str, Sequence[PictureSource]]"
    passed_over: Mapping[str, Sequence[Skipped]] | None = None


def require_usage(paths: list[Path], label: str | None, listed: Path | None) -> None:
    """Refuse words that do not go together, before anything is opened.

    Args:
        paths: that were named.
        label: of --class.
        listed: of --list.

    Raises:
        typer.BadParameter: they do not.
    """
    if listed is not None:
        if paths or label is not None:
            raise typer.BadParameter(
                "the list names pictures and classes; give nothing else", param_hint="--list"
            )
    elif not paths or (label is None and len(paths) > 1):
        raise typer.BadParameter(_USAGE)


def find_lesson(paths: list[Path], label: str | None, listed: Path | None, follow_links: bool) -> FoundLesson:
    """Find what is to be learned.

    Args:
        paths: that were named; for which `require_usage` holds.
        label: of --class; None for a lesson that has its own classes.
        listed: of --list.
        follow_links: take links to pictures outside a folder, too.

    Returns:
        The lesson.

    Raises:
        LearnError: a path is missing, or cannot be read.
    """
    from edge_tosca.vision.datasets.csv_list import read_list
    from edge_tosca.vision.datasets.open_dataset import parse_dataset

    if listed is not None:
        return _of_dataset(read_list(listed, follow_links=follow_links))
    if label is not None:
        return _of_class(paths, label, follow_links)
    if str(paths[0]) == STANDARD_INPUT:
        from edge_tosca.cli.standard_input import read_standard_input

        data = read_standard_input(PIPED_LIMIT)
        return _of_dataset(parse_dataset(data, "standard input", Path(), follow_links=follow_links))
    return FoundLesson(paths[0])


def _of_dataset(found: "Dataset") -> FoundLesson:
    if not found.pictures:
        first = found.all_skipped[0] if found.all_skipped else None
        reason = f"; {first.path}: {first.reason}" if first is not None else ""
        raise LearnError(f"{found.name} has no picture that can be learned{reason}")
    return FoundLesson(found.pictures, found.skipped)


def _of_class(paths: list[Path], label: str, follow_links: bool) -> FoundLesson:
    from edge_tosca.cli.standard_input import as_paths, read_standard_input
    from edge_tosca.runtime import NamedPicture, list_pictures
    from edge_tosca.vision.datasets.archive import Archive
    from edge_tosca.vision.datasets.archive_layout import read_pictures
    from edge_tosca.vision.datasets.open_dataset import archive_of, is_archive

    pictures: list[PictureSource] = []
    skipped: list[Skipped] = []
    waiting = list(paths)

    def take(archive: Archive) -> None:
        found = read_pictures(archive, label)
        for some in found.pictures.values():
            pictures.extend(some)
        skipped.extend(found.all_skipped)

    while waiting:
        path = waiting.pop(0)
        if str(path) == STANDARD_INPUT:
            data = read_standard_input(PIPED_LIMIT)
            if (piped := archive_of(data)) is not None:
                take(piped)
            elif (named := as_paths(data)) is not None:
                waiting = named + waiting
            else:
                pictures.append(NamedPicture("standard input", partial(bytes, data)))
        elif path.is_dir():
            found = list_pictures(path, follow_links=follow_links)
            pictures += found.pictures
            skipped += [Skipped(str(other.path), other.reason) for other in found.passed_over]
        elif is_archive(path):
            take(Archive.open(path))
        elif path.exists():
            pictures.append(path)
        else:
            raise LearnError(f"{path} does not exist; name pictures or folders of pictures")
    return FoundLesson({label: pictures}, {label: skipped})
