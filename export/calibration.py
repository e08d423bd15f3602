"""Choose the pictures to calibrate on, and other pictures to judge the result by."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.errors import EdgeToscaError, PictureError
from edge_tosca.runtime.pictures import find_pictures

CALIBRATION_PICTURES = 256
HELD_OUT_PICTURES = 600
LEAST_PICTURES = 64
_A_CLASS = 20

_TRAIN = frozenset({"train", "training", "all"})
_TEST = frozenset({"test", "val", "valid", "validation"})


@dataclass(frozen=True)
class LabelledPicture:
    """A picture file and what its folders say about it.

    Attributes:
        path: the file.
        data_set: name of the data set, the folder above the class folders.
        label: data set and class folder.
        is_test: whether it lies in a test or validation part.
    """

    path: Path
    data_set: str
    label: str
    is_test: bool


@dataclass(frozen=True)
class Sample:
    """Pictures to calibrate on and other pictures to judge by.

    Attributes:
        calibration: in random order.
        held_out: in random order; none of them a calibration picture.
    """

    calibration: tuple[LabelledPicture, ...]
    held_out: tuple[LabelledPicture, ...]

    @property
    def data_sets(self) -> list[str]:
        """The names of the data sets, sorted."""
        return sorted({picture.data_set for picture in self.calibration})


def choose_pictures(folder: Path, seed: int = 0) -> Sample:
    """Draw calibration and held-out pictures, equally many from every data set below a folder.

    Where a data set has parts called test or validation, those are held out and nothing else is; where it
    has none, half of its pictures are held out.

    Args:
        folder: searched with all its subfolders.
        seed: of the draw.

    Returns:
        Two disjoint samples, of about 256 and at most about 600 pictures.

    Raises:
        EdgeToscaError: the folder is missing or has too few pictures.
    """
    try:
        pictures = [_labelled(path, folder) for path in find_pictures(folder)]
    except PictureError as error:
        raise EdgeToscaError(f"{error} with --calibration") from error
    if len(pictures) < LEAST_PICTURES:
        raise EdgeToscaError(
            f"{folder}: {len(pictures)} pictures are too few to calibrate on and judge by; "
            f"give --calibration a folder of at least {LEAST_PICTURES}"
        )
    rng = random.Random(seed)
    rng.shuffle(pictures)
    sets = sorted({picture.data_set for picture in pictures})
    calibration: list[LabelledPicture] = []
    held_out: list[LabelledPicture] = []
    for name in sets:
        train, test = _parts([picture for picture in pictures if picture.data_set == name])
        calibration += train[: -(-CALIBRATION_PICTURES // len(sets))]
        held_out += _by_classes(test)[: -(-HELD_OUT_PICTURES // len(sets))]
    rng.shuffle(calibration)
    rng.shuffle(held_out)
    return Sample(tuple(calibration), tuple(held_out))


def _labelled(path: Path, folder: Path) -> LabelledPicture:
    above = path.relative_to(folder).parts[:-1]
    names = [name for name in above if name.lower() not in _TRAIN | _TEST]
    data_set = names[0] if len(names) > 1 else folder.resolve().name
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
    """Order pictures class by class, so that a cut leaves classes large enough to judge a classifier by."""
    classes: dict[str, list[LabelledPicture]] = {}
    for picture in pictures:
        members = classes.setdefault(picture.label, [])
        if len(members) < _A_CLASS:
            members.append(picture)
    return [picture for members in classes.values() for picture in members]
