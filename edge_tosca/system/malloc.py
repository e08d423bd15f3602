"""Limit the freed memory that glibc's malloc keeps, so that a service does not grow over months.

glibc gives threads heaps ("arenas") of their own, serves larger arrays from them each time one was freed, and
returns only the free end of a heap to the system. A service that learned 80 classes kept 108 MB of freed
memory (docs/service.md). With another C library the functions here do nothing. Source: mallopt(3),
malloc_trim(3).
"""

import ctypes
from collections.abc import Callable
from functools import cache

MAX_ARENAS = 2
"""Heaps of all threads together."""

LARGE_ARRAY = 1 << 20
"""Bytes from which an array has pages of its own, which return to the system when it is freed. The matrices
of learning are larger; the arrays of a 640 x 480 frame are smaller and need no new pages fifteen times a
second."""

# From malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def bound_heap() -> bool:
    """Limit the memory that malloc keeps; call once, before threads are started.

    Returns:
        Whether the C library accepted all settings.
    """
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    accepted = [
        mallopt(_M_ARENA_MAX, MAX_ARENAS),
        mallopt(_M_MMAP_THRESHOLD, LARGE_ARRAY),
        mallopt(_M_TRIM_THRESHOLD, LARGE_ARRAY),
    ]
    return all(accepted)


def trim_heap() -> None:
    """Return all unused pages to the system; call after work that needed much memory.

    It takes some milliseconds, in which other threads may wait for memory.
    """
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


@cache
def _function(name: str) -> Callable[..., int] | None:
    try:
        found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    # Some systems cannot load the program itself as a library.
    except (OSError, TypeError):
        return None
    return found
