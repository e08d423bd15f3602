"""Write scikit-learn's handwritten digits as picture files, split for the demo."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from edge_tosca.arrays import Array
from edge_tosca.errors import EdgeToscaError, MissingExtraError

BENCH_PICTURES = 30
"""Training pictures of each of the digits 0 to 7."""

FIELD_PICTURES = 20
"""Training pictures of each of 8 and 9."""

TEST_PICTURES = 40
"""Test pictures of each digit."""

OLD, NEW = tuple("01234567"), tuple("89")

_SEED = 0
_SIDE = 128
_BRIGHTEST = 16


@dataclass(frozen=True)
class Digits:
    """Picture files by class; no picture is in two of the splits.

    Attributes:
        bench: of 0 to 7, taught first.
        field: of 8 and 9, taught later.
        test: of all ten, never taught.
    """

    bench: dict[str, list[Path]]
    field: dict[str, list[Path]]
    test: dict[str, list[Path]]

    @property
    def count(self) -> int:
        """Number of pictures."""
        return sum(len(paths) for part in (self.bench, self.field, self.test) for paths in part.values())


def write_digits(folder: Path) -> Digits:
    """Write the pictures; those of an earlier run are replaced.

    Args:
        folder: for SPLIT/CLASS/NUMBER.png.

    Returns:
        The files, in the same splits every time.

    Raises:
        MissingExtraError: scikit-learn is not installed.
        EdgeToscaError: the folder cannot be written.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingExtraError("scikit-learn", "demo") from None
    images, truth = load_digits(return_X_y=True)
    images, order = images.reshape(-1, 8, 8), np.random.default_rng(_SEED).permutation(len(truth))
    parts: dict[str, dict[str, list[Path]]] = {"bench": {}, "field": {}, "test": {}}
    for label in OLD + NEW:
        rows = order[truth[order] == int(label)]
        teach, count = ("bench", BENCH_PICTURES) if label in OLD else ("field", FIELD_PICTURES)
        chosen = {teach: rows[:count], "test": rows[count : count + TEST_PICTURES]}
        for part, members in chosen.items():
            parts[part][label] = [
                _write(images[row], folder / part / label / f"{row}.png") for row in members
            ]
    return Digits(**parts)


def enlarge(digit: Array) -> Image.Image:
    """Enlarge a digit to a picture of 128 by 128 pixels.

    Args:
        digit: ink, float [8, 8] in 0 .. 16.

    Returns:
        A grey picture, dark on white.
    """
    # Measured with the bundle that ships, on another split, 30 pictures per class; accuracy of 0 to 7 / of 8
    # and 9 after all were taught, in percent: so 98 / 90; white on black 98 / 83; without the margin 97 / 85,
    # since the backbone's centre crop cuts half a cell off each side; without the margin and by nearest
    # neighbour, whose blocks hide the strokes among edges, 85 / 68.
    ink = np.pad(digit / _BRIGHTEST, 1)
    small = Image.fromarray((255 * (1 - ink)).round().astype(np.uint8))
    return small.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)


def _write(digit: Array, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        enlarge(digit).save(path)
    except OSError as error:
        raise EdgeToscaError(f"{path}: cannot be written ({error.strerror}); name another folder") from None
    return path
