"""Compare JSON with golden JSON: everything that was there is there still, and more keys may be."""

from collections.abc import Callable, Iterator
from typing import Any

Near = Callable[[str, float, float], bool]
"""Takes a key, a golden number and the number now."""


def differences(golden: Any, now: Any, near: Near, place: str = "") -> Iterator[str]:
    """Tell in which places JSON is not as it was.

    Args:
        golden: as it was.
        now: as it is.
        near: says whether two floats count as equal.
        place: where in the whole this is.

    Yields:
        A place and what it had and has, for each difference.
    """
    if isinstance(golden, dict) and isinstance(now, dict):
        for name, value in golden.items():
            if name in now:
                yield from differences(value, now[name], near, f"{place}/{name}")
            else:
                yield f"{place}/{name} is gone"
    elif isinstance(golden, list) and isinstance(now, list) and len(golden) == len(now):
        for number, (value, other) in enumerate(zip(golden, now, strict=True)):
            yield from differences(value, other, near, f"{place}/{number}")
    elif type(golden) is not type(now) or not _equal(golden, now, near, place):
        yield f"{place}: {golden!r:.200} became {now!r:.200}"


def _equal(golden: Any, now: Any, near: Near, place: str) -> bool:
    return golden == now or (isinstance(golden, float) and near(place.rpartition("/")[2], golden, now))


def exactly(key: str, golden: float, now: float) -> bool:
    """No float but the same."""
    return golden == now
