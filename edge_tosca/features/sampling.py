"""Even samples of a sequence."""

import numpy as np

from edge_tosca.arrays import Array


def evenly(count: int, most: int) -> Array:
    """Sample places evenly from a sequence.

    Args:
        count: length of the sequence.
        most: largest size of the sample.

    Returns:
        Increasing indices, int [min(count, most)].
    """
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * count) // most
