"""Sums of a feature map over three areas of a picture: its border, its middle, and what lies between them."""

from functools import cache

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array

AREAS = 3
BORDER, BETWEEN, MIDDLE = range(AREAS)

_PLACES = 7
"""Of the built-in backbone's map; its border is one of them wide, its middle begins two from the edge."""


def area_sums(feature_map: Array) -> npt.NDArray[np.float32]:
    """Sum up a map by area.

    Args:
        feature_map: float32 [c, h, w].

    Returns:
        float32 [3, c], in the order BORDER, BETWEEN, MIDDLE.
    """
    channels, height, width = feature_map.shape
    sums: npt.NDArray[np.float32] = (feature_map.reshape(channels, -1) @ _members(height, width)).T.astype(
        np.float32
    )
    return np.ascontiguousarray(sums)


@cache
def _members(height: int, width: int) -> npt.NDArray[np.float32]:
    """Return which place belongs to which area, float32 [h w, 3]."""
    down, across = (_depths(size)[:, None] for size in (height, width))
    depth = np.minimum(down, across.T).reshape(-1)
    members: npt.NDArray[np.float32] = (depth[:, None] == np.arange(AREAS)).astype(np.float32)
    return members


def _depths(size: int) -> npt.NDArray[np.intp]:
    """Return how deep each row lies: 0 at the border, 2 in the middle."""
    centres = np.arange(size) + 0.5
    depths = np.minimum(centres, size - centres) * _PLACES // size
    depths[[0, -1]] = BORDER
    whole: npt.NDArray[np.intp] = np.minimum(depths, MIDDLE).astype(np.intp)
    return whole
