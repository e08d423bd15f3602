"""Time calls that are compared in turns, so that other load on the machine affects all of them alike."""

import time
from collections.abc import Callable, Sequence


def in_turn(
    calls: Sequence[Callable[[], object]],
    repeats: int,
    *,
    warm: bool = False,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Call each once unmeasured, then all in turns.

    Args:
        calls: those that are compared.
        repeats: measured calls of each.
        warm: call each once unmeasured in every turn too, so that its own data are in the caches.
        clock: returns seconds; time.process_time, for calls on one thread, does not count other programs.

    Returns:
        Milliseconds of each, the fastest: other load only adds to a time.
    """
    for call in calls:
        call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, milliseconds in zip(calls, taken, strict=True):
            if warm:
                call()
            start = clock()
            call()
            milliseconds.append(1e3 * (clock() - start))
    return [min(milliseconds) for milliseconds in taken]
