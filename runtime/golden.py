"""Golden inputs: pictures that anybody can compute, and the features a faithful device gives for them.

A device that runs the backbone wrongly (an accelerator was seen to be silently wrong) is found out
without a photograph: it computes the pictures from their formula and compares its features.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.errors import BundleError

if TYPE_CHECKING:
    from edge_tosca.runtime.backend import Backend
    from edge_tosca.runtime.bundle import Bundle

GOLDEN_FLOOR = 0.99
"""Cosine that a faithful device reaches on every golden picture. Runtimes that round INT8 differently were
seen at .999 and above (`docs/runtimes.md`); a broken device is far below."""


@dataclass(frozen=True)
class GoldenPicture:
    """A picture made by integer arithmetic: smooth waves of a different slope in every channel.

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
    """A golden picture and the feature it must give.

    Attributes:
        picture: the formula's numbers.
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
        BundleError: an entry is malformed, or there is none.
    """
    try:
        golden = tuple(_golden_input(entry) for entry in entries)
        sound = bool(golden) and all(_is_sound(entry, feature_dim) for entry in golden)
    except (TypeError, ValueError, KeyError, OverflowError):
        sound = False
    if not sound:
        raise BundleError(f"{where}: 'golden' is malformed; make the bundle again with: edge-tosca export")
    return golden


def golden_entry(golden: GoldenInput) -> dict[str, Any]:
    """Write one entry of a manifest's ``golden`` list."""
    picture = golden.picture
    return {
        "width": picture.width,
        "height": picture.height,
        "across": list(picture.across),
        "down": list(picture.down),
        "twist": list(picture.twist),
        # Six digits: well below a step of INT8, a third of the length.
        "feature": [float(f"{value:.6g}") for value in golden.feature],
    }


def golden_feature(picture: GoldenPicture, bundle: "Bundle", backend: "Backend") -> NDArray[np.float32]:
    """Run one golden picture through the bundle's preprocessing and a backend.

    Returns:
        float32 [d].
    """
    return backend.features(bundle.preprocessing(Image.fromarray(picture.pixels())))


def golden_features(bundle: "Bundle", backend: "Backend") -> NDArray[np.float32]:
    """Run all golden pictures of a bundle.

    Returns:
        float32 [g, d], one row a picture.
    """
    return np.stack([golden_feature(golden.picture, bundle, backend) for golden in bundle.golden])


def golden_cosines(bundle: "Bundle", backend: "Backend") -> list[float]:
    """Compare a backend's features of the golden pictures with the ones recorded at export.

    Args:
        bundle: the bundle that the backend runs.
        backend: the backend in question.

    Returns:
        One cosine for each golden input, 1 where they agree; below ``GOLDEN_FLOOR`` the device is not
        faithful. A feature with a value that is not a number counts as cosine -1.
    """
    return cosines_to_golden(bundle, golden_features(bundle, backend))


def cosines_to_golden(bundle: "Bundle", features: NDArray[np.float32]) -> list[float]:
    """Compare features of the golden pictures, float32 [g, d], with the ones recorded at export."""
    return [cosine(golden.feature, row) for golden, row in zip(bundle.golden, features, strict=True)]


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Compute the cosine of two features, float32 [d] each; -1 where it is not defined."""
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
    picture = golden.picture
    sides = 1 <= picture.width <= 4096 and 1 <= picture.height <= 4096
    feature = golden.feature
    return sides and min(picture.twist) > 0 and feature.shape == (feature_dim,) and _is_finite(feature)


def _is_finite(feature: NDArray[np.float32]) -> bool:
    return bool(np.isfinite(feature).all())
