"""Features that stand in for those of pictures and tell nothing of them but their mean.

They are the corners of a regular simplex around a class's mean, turned at random: spread alike in every
direction, and with that very mean. Its size follows from the mean too: pictures have unit length after
conditioning, so what the mean lacks to unit length says how far they lie from it.
"""

import hashlib

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.normalization import normalize

STAND_INS = 10
"""Of a class, however many pictures it has: their number is not told either. More of them would count for
more in the covariance that all classes share, and real pictures know it better."""

FEWEST = 5
"""Pictures whose mean may be told. One picture's mean is the picture's own feature."""

# The squares of a unit vector's entries are small; float16 keeps them best around 1.
_LOUDNESS = 1024


def stand_ins(features: Array) -> Array:
    """Draw stand-ins for the pictures of a class.

    Args:
        features: of the pictures, [n, d], d larger than STAND_INS.

    Returns:
        float16 [STAND_INS, d], the same for the same mean; conditioned, they have the mean of the conditioned
        features up to rounding.
    """
    mean = normalize(features).mean(axis=0, dtype=np.float64)
    square = float(mean @ mean)
    seed = int.from_bytes(hashlib.sha256(mean.astype("<f4").tobytes()).digest())
    directions = np.random.default_rng(seed).normal(size=(STAND_INS, len(mean)))
    directions -= np.outer(directions @ mean, mean) / max(square, 1e-12)
    corners = np.linalg.qr(directions.T)[0].T
    corners -= corners.mean(axis=0)
    # At right angles to the mean, so that every corner has unit length.
    corners *= np.sqrt(max(1 - square, 0) / (1 - 1 / STAND_INS))
    rows = mean + corners
    drawn: Array = (_LOUDNESS * np.sign(rows) * rows**2).astype(np.float16)
    return drawn
