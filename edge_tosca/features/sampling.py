"""Even samples of a sequence."""

import numpy as np

from edge_tosca.arrays import Array


def evenly(count: int, most: int) -> Array:
    """Pick places spread evenly over a sequence.

    Args:
        count: its length.
        most: how many to pick at most.

    Returns:
        Increasing indices, int [min(count, most)].
    """
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * count) // most
