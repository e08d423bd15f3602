"""Normalise cached [CLS] features: signed square root, unit length, rounded to a grid that keeps sums exact.

    z = round(GRID u / |u|) / GRID,  u = sign(x) sqrt(|x|)

Further parts of a feature, averages of earlier levels, are each scaled to unit length without the root: they
have both signs, and the root enlarges the noise of values near zero (docs/backbones.md has the comparison).

Source: Perronnin, Sanchez, Mensink, "Improving the Fisher Kernel", ECCV 2010, sections 3.1 and 3.2 (power and
L2 normalisation).
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array

GRID = 1 << 15
"""Steps in one unit. Products of two values are multiples of 2^-30, so float64 sums the outer products of
eight million unit vectors without rounding. So statistics do not depend on the order of classes, and removing
a class gives the same bits as never having learned it."""

_LARGEST = 65504.0


@cache
def _signed_roots() -> npt.NDArray[np.float64]:
    """Tabulate the signed square root of every float16 by its bits; four times faster than the root."""
    with np.errstate(invalid="ignore"):
        bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
        every = np.clip(bits, -_LARGEST, _LARGEST)
        roots: npt.NDArray[np.float64] = np.sign(every) * np.sqrt(np.abs(every))
        return roots


def to_cache_dtype(features: Array) -> npt.NDArray[np.float16]:
    """Round features to the precision of the cache.

    Args:
        features: [CLS] features of any float type, [n, d].

    Returns:
        float16 [n, d]. Values beyond its range, which only a broken backbone gives, are clipped.
    """
    if features.dtype == np.float16:
        return features
    return np.minimum(np.maximum(features, -_LARGEST), _LARGEST).astype(np.float16)


def normalize(features: Array, widths: Sequence[int] = ()) -> npt.NDArray[np.float32]:
    """Power-normalise features, and scale each further part to unit length.

    Args:
        features: [CLS] features of any float type, [n, d]. They are rounded to float16 first, the precision
            of the cache, so that a live feature and a cached one give the same result.
        widths: of the feature's parts; one part by default.

    Returns:
        float32 [n, d], every value a multiple of 1 / GRID; an all-zero part stays zero.
    """
    rounded = to_cache_dtype(features)
    if len(widths) < 2:
        return _first_part(rounded)
    first, later = widths[0], np.array(widths[1:])
    normalized = np.empty(features.shape, np.float32)
    normalized[:, :first] = _first_part(rounded[:, :first])
    levels = rounded[:, first:].astype(np.float64)
    lengths = np.sqrt(np.add.reduceat(levels * levels, np.cumsum(later) - later, axis=1))
    normalized[:, first:] = _on_grid(levels, np.repeat(lengths, later, axis=1))
    return normalized


def _first_part(rounded: Array) -> npt.NDArray[np.float32]:
    unit = _signed_roots()[np.ascontiguousarray(rounded).view(np.uint16)]
    return _on_grid(unit, np.sqrt(np.sum(unit * unit, axis=1, keepdims=True)))


def _on_grid(values: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Divide values by their rows' lengths, in place, and round them to the grid."""
    lengths[lengths == 0] = 1
    values /= lengths
    values *= GRID
    rounded: npt.NDArray[np.float32] = np.rint(values, out=values).astype(np.float32)
    rounded /= GRID
    return rounded


def module_input(z: Array) -> npt.NDArray[np.float32]:
    """Scale normalised features to unit mean square, the range that LuCA's initial weights expect.

    Args:
        z: from `normalize`, the first part, [n, d].

    Returns:
        float32 [n, d].
    """
    return z.astype(np.float32, copy=False) * np.float32(np.sqrt(z.shape[1]))
