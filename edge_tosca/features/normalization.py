"""Condition cached [CLS] features: power normalisation, on a fixed-point grid that keeps sums exact."""

from functools import cache

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array

GRID = 1 << 15
"""Steps in one unit. Products of two such numbers are multiples of 2^-30, so float64 adds up the outer
products of eight million unit vectors without rounding: statistics do not depend on the order in which
classes came, and taking a class out gives the very bits that never having seen it gives."""


_LARGEST = 65504.0


@cache
def _signed_roots() -> npt.NDArray[np.float64]:
    """Signed square root of every float16 by its bits: a table is four times faster than the root."""
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
        float16 [n, d]. A feature beyond its range is the sign of a broken backbone; it is clipped.
    """
    if features.dtype == np.float16:
        return features
    return np.minimum(np.maximum(features, -_LARGEST), _LARGEST).astype(np.float16)


def normalize(features: Array) -> npt.NDArray[np.float32]:
    """Power-normalise features: signed square root, then unit length, rounded to the grid.

    Source: Perronnin, Sanchez, Mensink, "Improving the Fisher Kernel", ECCV 2010, section 3.1-3.2.

    Args:
        features: [CLS] features of any float type, [n, d]. They pass through float16 first, the
            precision of the cache, so that a live picture and a cached one are treated alike.

    Returns:
        float32 [n, d], every value a multiple of 1 / GRID; an all-zero feature stays zero.
    """
    unit = _signed_roots()[np.ascontiguousarray(to_cache_dtype(features)).view(np.uint16)]
    length = np.sqrt(np.sum(unit * unit, axis=1, keepdims=True))
    length[length == 0] = 1
    unit /= length
    unit *= GRID
    rounded: npt.NDArray[np.float32] = np.rint(unit, out=unit).astype(np.float32)
    rounded /= GRID
    return rounded


def module_input(conditioned: Array) -> npt.NDArray[np.float32]:
    """Scale conditioned features to unit mean square, the range that LuCA's initial weights expect.

    Args:
        conditioned: what `normalize` gives, [n, d].

    Returns:
        float32 [n, d].
    """
    return conditioned.astype(np.float32, copy=False) * np.float32(np.sqrt(conditioned.shape[1]))
