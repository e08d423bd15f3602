"""Choose the cached features of a class to keep where not all of them may stay.

docs/store.md has the accuracy that is left; docs/ablations.md compares other rules. Kept features stay in
their order: neighbours are pictures of one object taken within seconds, and are held out together when the
router's accuracy is estimated.
"""

from collections.abc import Callable

import numpy as np

from edge_tosca.arrays import Array

Rule = Callable[[Array, int], Array]
"""Chooses rows of [n, d] features, at most so many: their places, increasing, int [k]."""


def herding(z: Array, most: int) -> Array:
    """Keep features whose mean is the nearest to the mean of all.

    Source: Welling, "Herding Dynamical Weights to Learn", ICML 2009; used for exemplars by Rebuffi and
    others, "iCaRL", CVPR 2017, algorithm 4.

    Args:
        z: normalised features of a class, [n, d].
        most: how many to keep at most.

    Returns:
        Their places, increasing, int [min(n, most)].
    """
    rows = z.astype(np.float64)
    mean, total = rows.mean(axis=0), np.zeros(rows.shape[1])
    left = np.ones(len(rows), bool)
    for count in range(1, min(most, len(rows)) + 1):
        # The squared distance of (total + row) / count to the mean, without what all rows have in common.
        aim = count * mean - total
        distance = np.einsum("nd,nd->n", rows, rows) - 2 * rows @ aim
        place = int(np.where(left, distance, np.inf).argmin())
        left[place] = False
        total += rows[place]
    return np.flatnonzero(~left)
