"""Golden inputs: pictures given by a formula, and their reference features.

They reveal a device that computes wrong features (an accelerator was seen to be silently wrong) without a
photograph: the device computes the pictures and compares its features with the reference.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError

GOLDEN_FLOOR = 0.99
"""Least cosine to the reference feature on every golden picture. Runtimes that round INT8 differently reach
.999 and above (`docs/runtimes.md`); a faulty device is far below."""

_MOST_PICTURES = 16
_MOST_PIXELS = 1 << 20
_LARGEST_NUMBER = 1 << 20
"""Of a formula; with sides of 4,096 the phase stays far below 2^63."""


@dataclass(frozen=True)
class GoldenPicture:
    """A picture computed by integer arithmetic: smooth waves of a different slope in every channel.

    Channel c at column x and row y is the triangle wave |(x a_c + y b_c + (x y) // q_c) mod 510 - 255|.

    Attributes:
        width: columns, pixels.
        height: rows, pixels.
        across: a, one slope a channel.
        down: b, one slope a channel.
        twist: q, one divisor a channel.
    """

    width: int
    height: int
    across: tuple[int, int, int]
    down: tuple[int, int, int]
    twist: tuple[int, int, int]

    def pixels(self) -> NDArray[np.uint8]:
        """Compute the picture.

        Returns:
            uint8 [height, width, 3].
        """
        x = np.arange(self.width, dtype=np.int64)[None, :, None]
        y = np.arange(self.height, dtype=np.int64)[:, None, None]
        phase = x * np.array(self.across) + y * np.array(self.down) + (x * y) // np.array(self.twist)
        wave: NDArray[np.uint8] = np.abs(phase % 510 - 255).astype(np.uint8)
        return wave


@dataclass(frozen=True)
class GoldenInput:
    """A golden picture and its reference feature.

    Attributes:
        picture: the formula's parameters.
        feature: float32 [d].
    """

    picture: GoldenPicture
    feature: NDArray[np.float32]


GOLDEN_PICTURES = (
    GoldenPicture(320, 240, (2, 3, 1), (1, 1, 3), (64, 90, 70)),
    GoldenPicture(231, 317, (5, 1, 2), (2, 4, 1), (40, 55, 33)),
    GoldenPicture(224, 224, (1, 2, 4), (7, 3, 2), (17, 29, 23)),
)


def golden_inputs(entries: list[Any], feature_dim: int, where: Path) -> tuple[GoldenInput, ...]:
    """Read the golden inputs of a manifest.

    Args:
        entries: the manifest's ``golden`` list.
        feature_dim: length d of a feature.
        where: the manifest's file, for the error.

    Returns:
        The golden inputs.

    Raises:
        BundleError: an entry is malformed, or the list is empty or longer than 16.
    """
    if len(entries) > _MOST_PICTURES:
        raise BundleError(
            f"{where}: 'golden' has {len(entries)} pictures, at most {_MOST_PICTURES} are allowed; "
            "make the bundle again with: edge-tosca export"
        )
    try:
        golden = tuple(_golden_input(entry) for entry in entries)
        sound = bool(golden) and all(_is_sound(entry, feature_dim) for entry in golden)
    except (TypeError, ValueError, KeyError, OverflowError):
        sound = False
    if not sound:
        raise BundleError(f"{where}: 'golden' is malformed; make the bundle again with: edge-tosca export")
    return golden


def golden_entry(golden: GoldenInput) -> dict[str, Any]:
    """Return one entry of a manifest's ``golden`` list."""
    picture = golden.picture
    return {
        "width": picture.width,
        "height": picture.height,
        "across": list(picture.across),
        "down": list(picture.down),
        "twist": list(picture.twist),
        # Six digits are well below a step of INT8, at a third of the length.
        "feature": [float(f"{value:.6g}") for value in golden.feature],
    }


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Compute the cosine of two features, float32 [d] each; -1 where it is undefined."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    if not np.isfinite(norm) or norm == 0.0:
        return -1.0
    return float(x @ y) / norm


def _golden_input(entry: dict[str, Any]) -> GoldenInput:
    slopes = {key: tuple(int(value) for value in entry[key]) for key in ("across", "down", "twist")}
    picture = GoldenPicture(
        int(entry["width"]),
        int(entry["height"]),
        _three(slopes["across"]),
        _three(slopes["down"]),
        _three(slopes["twist"]),
    )
    with np.errstate(over="ignore"):
        return GoldenInput(picture, np.array(entry["feature"], dtype=np.float32))


def _three(values: tuple[int, ...]) -> tuple[int, int, int]:
    a, b, c = values
    return a, b, c


def _is_sound(golden: GoldenInput, feature_dim: int) -> bool:
    picture, feature = golden.picture, golden.feature
    sides = 1 <= picture.width <= 4096 and 1 <= picture.height <= 4096
    small = picture.width * picture.height <= _MOST_PIXELS
    numbers = (*picture.across, *picture.down, *picture.twist)
    bounded = min(picture.twist) > 0 and max(map(abs, numbers)) <= _LARGEST_NUMBER
    return sides and small and bounded and feature.shape == (feature_dim,) and _is_finite(feature)


def _is_finite(feature: NDArray[np.float32]) -> bool:
    return bool(np.isfinite(feature).all())
