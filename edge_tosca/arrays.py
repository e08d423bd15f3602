"""The array type, and the array functions that every package needs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MAX_FEATURE_DIM = 1 << 16
"""Largest accepted width of a feature; bounds what an untrusted file can allocate."""


def log_softmax(scores: Array) -> Array:
    """Normalise scores to log-probabilities.

    Args:
        scores: [n, k].

    Returns:
        [n, k], each row's exponentials summing to 1.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def require_shapes(arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse arrays that do not have the shapes that they must have.

    Args:
        arrays: by name.
        shapes: of each array that is needed.

    Raises:
        KeyError: an array is missing.
        ValueError: an array has another shape, or NaN.
    """
    for name, shape in shapes.items():
        if arrays[name].shape != shape or np.isnan(arrays[name]).any():
            raise ValueError(f"{name} does not fit")


def unit_rows(values: Array) -> Array:
    """Scale each row to Euclidean length 1; rows of zeros stay zeros.

    Args:
        values: float [n, d].

    Returns:
        float [n, d], of the dtype of `values`.
    """
    unit: Array = values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-12)
    return unit
