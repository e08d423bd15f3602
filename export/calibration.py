"""Choose the pictures for calibration, and held-out pictures for the evaluation."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.errors import EdgeToscaError, PictureError
from edge_tosca.runtime.picture_folders import find_pictures

CALIBRATION_PICTURES = 256
HELD_OUT_PICTURES = 600
LEAST_PICTURES = 64
_LEAST_PER_CLASS = 20

_TRAIN = frozenset({"train", "training", "all"})
_TEST = frozenset({"test", "val", "valid", "validation"})


@dataclass(frozen=True)
class LabelledPicture:
    """A picture file, with its labels from the names of its folders.

    Attributes:
        path: the file.
        data_set: name of the data set, the folder above the class folders.
        label: data set and class folder.
        is_test: whether it is in a test or validation part.
    """

    path: Path
    data_set: str
    label: str
    is_test: bool


@dataclass(frozen=True)
class Sample:
    """Calibration pictures and held-out pictures.

    Attributes:
        calibration: in random order.
        held_out: in random order; disjoint from the calibration pictures.
    """

    calibration: tuple[LabelledPicture, ...]
    held_out: tuple[LabelledPicture, ...]

    @property
    def data_sets(self) -> list[str]:
        """Names of the data sets of the calibration pictures, sorted."""
        return sorted({picture.data_set for picture in self.calibration})

    @property
    def held_out_sets(self) -> list[str]:
        """Names of the data sets of the held-out pictures, sorted."""
        return sorted({picture.data_set for picture in self.held_out})


def choose_pictures(folder: Path, held_out: Path | None = None, seed: int = 0) -> Sample:
    """Draw calibration and held-out pictures, equally many from every data set below a folder.

    Of a data set with parts called test or validation, only those are held out; of any other data set half of
    the pictures. With a separate held-out folder, all of the first is for calibration and all of the second
    is held out.

    Args:
        folder: searched with all its subfolders.
        held_out: a folder of held-out pictures; None for a part of the first.
        seed: of the random draw.

    Returns:
        Two disjoint samples, of about 256 and at most about 600 pictures.

    Raises:
        EdgeToscaError: a folder is missing or has too few pictures, or both share pictures.
    """
    rng = random.Random(seed)
    sets = _by_data_set(_found(folder, "--calibration", rng))
    if held_out is None:
        parts = [_parts(pictures) for pictures in sets]
        train, test = [part for part, _ in parts], [part for _, part in parts]
    else:
        train, test = sets, _by_data_set(_found(held_out, "--held-out", rng))
    calibration = _drawn(train, CALIBRATION_PICTURES, rng)
    judged = _drawn([_by_classes(part) for part in test], HELD_OUT_PICTURES, rng)
    if {picture.path.resolve() for picture in calibration} & {picture.path.resolve() for picture in judged}:
        raise EdgeToscaError(
            f"{held_out}: shares pictures with {folder}; give --held-out other pictures than --calibration"
        )
    return Sample(calibration, judged)


def _found(folder: Path, option: str, rng: random.Random) -> list[LabelledPicture]:
    try:
        pictures = [_labelled(path, folder) for path in find_pictures(folder)]
    except PictureError as error:
        raise EdgeToscaError(f"{error} with {option}") from error
    if len(pictures) < LEAST_PICTURES:
        raise EdgeToscaError(
            f"{folder}: {len(pictures)} pictures are too few for calibration and evaluation; "
            f"give {option} a folder of at least {LEAST_PICTURES}"
        )
    rng.shuffle(pictures)
    return pictures


def _by_data_set(pictures: list[LabelledPicture]) -> list[list[LabelledPicture]]:
    names = sorted({picture.data_set for picture in pictures})
    return [[picture for picture in pictures if picture.data_set == name] for name in names]


def _drawn(sets: list[list[LabelledPicture]], count: int, rng: random.Random) -> tuple[LabelledPicture, ...]:
    share = -(-count // len(sets))
    drawn = [picture for pictures in sets for picture in pictures[:share]]
    rng.shuffle(drawn)
    return tuple(drawn)


def _labelled(path: Path, folder: Path) -> LabelledPicture:
    above = path.relative_to(folder).parts[:-1]
    names = [name for name in above if name.lower() not in _TRAIN | _TEST]
    whole = folder.resolve()
    data_set = names[0] if len(names) > 1 else (whole.parent if whole.name in _TRAIN | _TEST else whole).name
    label = f"{data_set}/{names[-1]}" if names else data_set
    return LabelledPicture(path, data_set, label, any(name.lower() in _TEST for name in above))


def _parts(
    pictures: list[LabelledPicture],
) -> tuple[list[LabelledPicture], list[LabelledPicture]]:
    train = [picture for picture in pictures if not picture.is_test]
    test = [picture for picture in pictures if picture.is_test]
    if train and test:
        return train, test
    half = len(pictures) // 2
    return pictures[:half], pictures[half:]


def _by_classes(pictures: Iterable[LabelledPicture]) -> list[LabelledPicture]:
    """Order pictures by class, so that truncation leaves classes large enough to evaluate a classifier."""
    classes: dict[str, list[LabelledPicture]] = {}
    for picture in pictures:
        classes.setdefault(picture.label, []).append(picture)
    share = max(_LEAST_PER_CLASS, HELD_OUT_PICTURES // max(1, len(classes)))
    return [picture for members in classes.values() for picture in members[:share]]
