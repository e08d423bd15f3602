"""The array type, and the array functions that every package needs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MAX_FEATURE_DIM = 1 << 16
"""Largest accepted width of a feature; bounds what an untrusted file can allocate."""


class ByteStream(Protocol):
    """What a header can be read from: a file, `io.BytesIO`, a BLOB of SQLite."""

    def read(self, length: int, /) -> bytes | memoryview:
        """Read the next bytes, fewer where the stream ends."""


class HeaderSizeError(ValueError):
    """A header is longer than the limit, or the data end before it does."""


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


def mean_or_none(values: Sequence[float]) -> float | None:
    """Compute the mean of some numbers.

    Args:
        values: any number of them.

    Returns:
        Their arithmetic mean; None where there is no number.
    """
    return sum(values) / len(values) if values else None


def require_shapes(arrays: Mapping[str, Array], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise an error unless all arrays have their shapes and no NaN.

    Args:
        arrays: by name.
        shapes: required shape of each array.

    Raises:
        KeyError: an array is missing.
        ValueError: an array has another shape, or NaN.
    """
    for name, shape in shapes.items():
        if arrays[name].shape != shape or np.isnan(arrays[name]).any():
            raise ValueError(f"{name} does not fit")


def safetensors_header(stream: ByteStream, limit: int) -> tuple[dict[str, Any], int]:
    """Read the header of a safetensors file, which describes its arrays and holds its metadata.

    Source: https://github.com/huggingface/safetensors#format (8 bytes with the length, little-endian; JSON).

    Args:
        stream: at its start; it is read up to the first array.
        limit: largest accepted length of the header in bytes.

    Returns:
        The dtype, shape and data_offsets of each array by name, and the metadata as "__metadata__"; and the
        position in the stream from which data_offsets count.

    Raises:
        HeaderSizeError: the header is longer than `limit`, or than the stream.
        ValueError, RecursionError: it is not JSON.
        TypeError: it is JSON, but no object.
    """
    first = stream.read(8)
    length = int.from_bytes(first, "little")
    if len(first) < 8 or length > limit:
        raise HeaderSizeError("the header is longer than it may be")
    text = bytes(stream.read(length))
    if len(text) < length:
        raise HeaderSizeError("the header is cut off")
    header = json.loads(text)
    if not isinstance(header, dict):
        raise TypeError("the header is no table of arrays")
    return header, 8 + length


def unit_rows(values: Array) -> Array:
    """Scale each row to Euclidean length 1; rows of zeros stay zeros.

    Args:
        values: float [n, d].

    Returns:
        float [n, d], of the dtype of `values`.
    """
    unit: Array = values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-12)
    return unit
