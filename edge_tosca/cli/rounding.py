"""Round the numbers of answers and reports, whose last digits mean nothing."""

from typing import Any

DECIMALS = 6
"""Digits after the point. Probabilities of two runtimes differ from the third one on."""

LEAST_DECIMALS = 4
"""The same below 0.0001, so that no number is written with an exponent: 4.86e-06 becomes 0.0."""

_LEAST = 10.0**-LEAST_DECIMALS


def rounded(value: Any) -> Any:
    """Round all floats in a value.

    Args:
        value: of dictionaries, lists, tuples and plain values.

    Returns:
        The same with rounded floats; digests, counts and texts as they were.
    """
    if isinstance(value, float):
        return round(value, LEAST_DECIMALS if abs(value) < _LEAST else DECIMALS)
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    return value
