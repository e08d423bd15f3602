"""How much freed memory the C library keeps for itself: a service that runs for months must not only grow.

glibc gives threads heaps of their own, serves ever larger arrays from them once one was freed, and gives back
no more than a heap's free end. A service that taught 80 classes kept 108 MB that nothing used
(docs/service.md). Where the C library is another one, nothing is done here.
"""

import ctypes
from collections.abc import Callable
from functools import cache

HEAPS = 2
"""For all threads together."""

LARGE = 1 << 20
"""Bytes from which an array has pages of its own, which go back to the system when it is freed. A lesson's
matrices are larger; what a frame of 640 x 480 needs is smaller and is not to cost new pages fifteen times a
second."""

# Of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8


def bound_heap() -> bool:
    """Let the C library keep little from now on; called once, before threads are started.

    Returns:
        Whether it can be told so.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    told = [mallopt(_ARENA_MAX, HEAPS), mallopt(_MMAP_THRESHOLD, LARGE), mallopt(_TRIM_THRESHOLD, LARGE)]
    return all(told)


def give_back_freed() -> None:
    """Give the system the pages that nothing uses, wherever they lie: after work that needed many.

    It takes some milliseconds, in which other threads may wait for memory.
    """
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


@cache
def _function(name: str) -> Callable[..., int] | None:
    try:
        found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    # A system that cannot load the program itself as a library.
    except (OSError, TypeError):
        return None
    return found
