"""Features that stand in for those of pictures and tell nothing of them but their mean.

Around a class's mean a cloud of the right size is drawn that is the same in every direction. It depends on
the mean alone: pictures have unit length after conditioning, so the mean's own length says how far they lie
from it.
"""

import hashlib

import numpy as np

from edge_tosca.conditioning import condition
from edge_tosca.luca import Array

STAND_INS = 16
"""Of a class, however many pictures it has: the number of pictures is not told either."""

FEWEST = 5
"""Pictures whose mean may be told. One picture's mean is the picture's own feature."""

# Squares of unit vectors' entries are small; float16 keeps them best around 1.
_LOUDNESS = 1024


def stand_ins(features: Array) -> Array:
    """Draw stand-ins for the pictures of a class.

    Args:
        features: of the pictures, [n, d], n at least 2.

    Returns:
        float16 [STAND_INS, d], the same for the same mean; conditioned, they have the mean of the conditioned
        features up to rounding.
    """
    mean = condition(features).mean(axis=0, dtype=np.float64)
    seed = int.from_bytes(hashlib.sha256(mean.astype("<f4").tobytes()).digest())
    noise = np.random.default_rng(seed).normal(size=(STAND_INS // 2, len(mean)))
    square = float(mean @ mean)
    noise -= np.outer(noise @ mean, mean) / max(square, 1e-12)
    noise *= np.sqrt(max(1 - square, 0)) / np.linalg.norm(noise, axis=1, keepdims=True)
    # Opposite pairs across the mean: of unit length, like conditioned pictures, and with that very mean.
    rows = np.concatenate([mean + noise, mean - noise])
    drawn: Array = (_LOUDNESS * np.sign(rows) * rows**2).astype(np.float16)
    return drawn
