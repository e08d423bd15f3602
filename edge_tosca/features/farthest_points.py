"""Choose the most different features.

Farthest-point traversal: each next feature is the one that is farthest from those chosen before, which comes
within a factor of two of the best cover. Source: Gonzalez, "Clustering to Minimize the Maximum Intercluster
Distance", Theoretical Computer Science 38, 1985.
"""

import numpy as np

from edge_tosca.arrays import Array


def farthest_points(z: Array, most: int) -> Array:
    """Choose features that differ most from each other, beginning with the first.

    Args:
        z: normalised features, [n, d].
        most: how many to choose at most.

    Returns:
        Their places, increasing, int [min(n, most)].
    """
    if len(z) <= most:
        return np.arange(len(z))
    rows = z.astype(np.float64)
    nearest = rows @ rows[0]
    chosen = [0]
    while len(chosen) < most:
        nearest[chosen] = np.inf
        place = int(nearest.argmin())
        chosen.append(place)
        nearest = np.maximum(nearest, rows @ rows[place])
    return np.sort(chosen)
