"""Which cached features of a class to keep where not all of them may stay.

Four rules, compared in docs/store.md; stores use `herding`. What is kept stays in its order: neighbours are
pictures of one object taken within seconds, and are left out together when the router is judged.
"""

from collections.abc import Callable

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.sampling import evenly

Rule = Callable[[Array, int], Array]


def herding(z: Array, most: int) -> Array:
    """Keep features whose mean is the nearest to the mean of all.

    Source: Welling, "Herding Dynamical Weights to Learn", ICML 2009; used for exemplars by Rebuffi and
    others, "iCaRL", CVPR 2017, algorithm 4.

    Args:
        z: conditioned features of a class, [n, d].
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


def k_centre(z: Array, most: int) -> Array:
    """Keep features such that no other is far from all of them, beginning with the nearest to the mean.

    Source: Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985.

    Args:
        z: conditioned features of a class, [n, d].
        most: how many to keep at most.

    Returns:
        Their places, increasing, int [min(n, most)].
    """
    rows = z.astype(np.float64)
    places = [int(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).argmin())]
    far = np.full(len(rows), np.inf)
    while len(places) < min(most, len(rows)):
        far = np.minimum(far, ((rows - rows[places[-1]]) ** 2).sum(axis=1))
        far[places] = -1
        places.append(int(far.argmax()))
    return np.sort(places)


def spread(z: Array, most: int) -> Array:
    """Keep features evenly over the order in which they were taught.

    Args:
        z: conditioned features of a class, [n, d].
        most: how many to keep at most.

    Returns:
        Their places, increasing, int [min(n, most)].
    """
    return evenly(len(z), most)


def drawn(seed: int) -> Rule:
    """Keep features at random.

    Args:
        seed: of the choice.

    Returns:
        The rule.
    """

    def draw(z: Array, most: int) -> Array:
        chosen = np.random.default_rng(seed).permutation(len(z))[:most]
        return np.sort(chosen)

    return draw
