"""Choose the pictures whose answer would teach most: near a border between classes, far from what was taught.

Each question takes the picture of the highest value, and counts as taught from then on, so that the next one
is of something else: margin sampling (Scheffer and others, IDA 2001) inside farthest-point traversal (as
core-set selection: Sener and Savarese, ICLR 2018). docs/asking.md has what it gains.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge_tosca.arrays import Array

FAR_SHARE = 0.5
"""Weight of the distance in a picture's value; the border has the rest."""

Reason = Literal["border", "far"]
"""Why a picture is asked about: two classes are nearly as probable, or nothing similar was taught."""


@dataclass(frozen=True)
class Question:
    """A picture to ask about.

    Attributes:
        place: its row.
        reason: which part of its value stands out more among all pictures.
        value: in 0 .. 1; of the first question the highest.
    """

    place: int
    reason: Reason
    value: float


def questions(
    z: Array, shares: Array, nearest: Array, most: int, far_share: float = FAR_SHARE
) -> list[Question]:
    """Choose pictures to ask about, the most instructive first.

    Args:
        z: normalised features of the pictures, [n, d].
        shares: probabilities of the known classes, [n, c].
        nearest: cosine to the most similar taught picture, [n]; -1 where nothing is taught.
        most: number of questions at most.
        far_share: weight of the distance in a picture's value, 0 .. 1.

    Returns:
        At most `most` questions, each of another picture.
    """
    rows = np.asarray(z, np.float64)
    border = _border(np.asarray(shares, np.float64))
    closest = np.asarray(nearest, np.float64).copy()
    left = np.ones(len(rows), bool)
    chosen: list[Question] = []
    for _ in range(min(most, len(rows))):
        far = _rank(1.0 - closest)
        near = _rank(border)
        value = far_share * far + (1.0 - far_share) * near
        place = int(np.where(left, value, -1.0).argmax())
        reason: Reason = "far" if far[place] >= near[place] else "border"
        chosen.append(Question(place, reason, float(value[place])))
        left[place] = False
        closest = np.maximum(closest, rows @ rows[place])
    return chosen


def _border(shares: Array) -> Array:
    """Return how near each picture is to a border: 1 less the lead of the most probable class."""
    if shares.shape[1] < 2:
        return np.zeros(len(shares))
    second, first = np.partition(shares, -2, axis=1)[:, -2:].T
    border: Array = 1.0 - (first - second)
    return border


def _rank(values: Array) -> Array:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros(len(values))
