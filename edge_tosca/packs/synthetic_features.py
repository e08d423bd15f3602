"""Synthetic features that replace those of pictures in a private pack, and disclose only their mean.

They are the corners of a regular simplex around the mean of a class, in a random rotation: spread alike in
every direction, with exactly that mean. The size of the simplex follows from the mean, too: normalised
features have unit length, so the length of the mean determines how far they are from it.
"""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.features.normalization import normalize

SYNTHETIC_PER_CLASS = 10
"""Features of a class, however many pictures it has, so that their number is not disclosed. More of them
would weigh more in the covariance that all classes share, and real pictures estimate it better."""

MIN_IMAGES = 5
"""Pictures from which on a mean may be disclosed. The mean of one picture is the picture's own feature."""

# The squares of a unit vector's entries are small; float16 is most precise around 1.
_SCALE = 1024
_LEVEL_SCALE = 64


def synthetic_features(features: Array, widths: Sequence[int] = ()) -> Array:
    """Draw synthetic features with the mean of a class's normalised features, for each part by itself.

    Args:
        features: of the pictures, [n, d].
        widths: of the parts, each larger than SYNTHETIC_PER_CLASS; one part by default.

    Returns:
        float16 [SYNTHETIC_PER_CLASS, d], the same for the same mean. Once normalised, their mean is the mean
        of the normalised `features` up to rounding.
    """
    if len(widths) < 2:
        rows = _with_mean(normalize(features).mean(axis=0, dtype=np.float64))
        # The inverse of the power normalisation.
        drawn: Array = (_SCALE * np.sign(rows) * rows**2).astype(np.float16)
        return drawn
    mean = normalize(features, widths).mean(axis=0, dtype=np.float64)
    first, *later = np.split(mean, np.cumsum(widths)[:-1])
    rows = _with_mean(first)
    # Further parts are normalised without the root.
    levels = [_LEVEL_SCALE * _with_mean(part) for part in later]
    return np.concatenate([_SCALE * np.sign(rows) * rows**2, *levels], axis=1).astype(np.float16)


def _with_mean(mean: Array) -> Array:
    """Draw rows of unit length with a mean, float64 [SYNTHETIC_PER_CLASS, d]."""
    square = float(mean @ mean)
    seed = int(sha256(mean.astype("<f4").tobytes()), 16)
    directions = np.random.default_rng(seed).normal(size=(SYNTHETIC_PER_CLASS, len(mean)))
    directions -= np.outer(directions @ mean, mean) / max(square, 1e-12)
    corners = np.linalg.qr(directions.T)[0].T
    corners -= corners.mean(axis=0)
    # Orthogonal to the mean, so that every corner has unit length.
    corners *= np.sqrt(max(1 - square, 0) / (1 - 1 / SYNTHETIC_PER_CLASS))
    rows: Array = mean + corners
    return rows
