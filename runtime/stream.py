"""Run several inferences concurrently and yield their results in order."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(items: Iterable[T], start: Callable[[T], Callable[[], R]], depth: int) -> Generator[R]:
    """Start work on items while earlier ones are still in progress.

    Args:
        items: consumed one at a time, never more than ``depth`` ahead of the results.
        start: starts the work on an item and returns a function that waits for its result.
        depth: most items in progress at once.

    Yields:
        The results, in the order of the items.
    """
    pending: deque[Callable[[], R]] = deque()
    try:
        for item in items:
            if len(pending) == depth:
                yield pending.popleft()()
            pending.append(start(item))
        while pending:
            yield pending.popleft()()
    finally:
        # After an early stop or an error nothing may keep running.
        for wait in pending:
            wait()


def processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
