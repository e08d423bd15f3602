"""Condition cached [CLS] features: power normalisation, on a fixed-point grid that keeps sums exact."""

import numpy as np
import numpy.typing as npt

from edge_tosca.luca import Array

GRID = 1 << 15
"""Steps in one unit. Products of two such numbers are multiples of 2^-30, so float64 adds up the outer
products of eight million unit vectors without rounding: statistics do not depend on the order in which
classes came, and taking a class out gives the very bits that never having seen it gives."""


def condition(features: Array) -> npt.NDArray[np.float32]:
    """Power-normalise features: signed square root, then unit length, rounded to the grid.

    Source: Perronnin, Sanchez, Mensink, "Improving the Fisher Kernel", ECCV 2010, section 3.1-3.2.

    Args:
        features: [CLS] features of any float type, [n, d]. They pass through float16 first, the
            precision of the cache, so that a live picture and a cached one are treated alike.

    Returns:
        float32 [n, d], every value a multiple of 1 / GRID; an all-zero feature stays zero.
    """
    # A feature beyond float16's range is the sign of a broken backbone; clip instead of making infinities.
    cached = np.clip(features, -65504, 65504).astype(np.float16).astype(np.float64)
    rooted = np.sign(cached) * np.sqrt(np.abs(cached))
    length = np.linalg.norm(rooted, axis=1, keepdims=True)
    unit = np.divide(rooted, length, out=np.zeros_like(rooted), where=length > 0)
    rounded: npt.NDArray[np.float32] = (np.rint(unit * GRID) / GRID).astype(np.float32)
    return rounded


def luca_input(conditioned: Array) -> npt.NDArray[np.float32]:
    """Scale conditioned features to unit mean square, the range that LuCA's initial weights expect.

    Args:
        conditioned: what `condition` gives, [n, d].

    Returns:
        float32 [n, d].
    """
    return conditioned.astype(np.float32) * np.float32(np.sqrt(conditioned.shape[1]))
