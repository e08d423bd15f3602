"""Keep several inferences under way at once, and give their results in order."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(items: Iterable[T], start: Callable[[T], Callable[[], R]], depth: int) -> Generator[R]:
    """Start work on items while earlier ones are still worked on.

    Args:
        items: taken one at a time, never more than ``depth`` ahead of the results.
        start: begins the work on an item and returns what waits for its result.
        depth: how many are under way at most.

    Yields:
        The results, in the order of the items.
    """
    under_way: deque[Callable[[], R]] = deque()
    try:
        for item in items:
            if len(under_way) == depth:
                yield under_way.popleft()()
            under_way.append(start(item))
        while under_way:
            yield under_way.popleft()()
    finally:
        # Whoever stops early, or was stopped by an error, must leave nothing running behind.
        for wait in under_way:
            wait()


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
