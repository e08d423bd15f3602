"""Report every change of the shown answer until the end."""

import time
from collections.abc import Callable, Sequence

from edge_tosca.live.events import Reporter, Sink
from edge_tosca.live.loop import Live

_ANSWER_SECONDS = 0.25


def follow(
    live: Live,
    camera_connected: Callable[[], bool],
    sinks: Sequence[Sink],
    stopped: Callable[[], bool],
    answers: int | None = None,
    seconds: float | None = None,
) -> None:
    """Report every change of the shown answer to sinks.

    Args:
        live: the running loop.
        camera_connected: returns whether the camera gives frames.
        sinks: called in their order.
        stopped: returns whether to end.
        answers: number of answered frames to end after; None for no limit.
        seconds: time to end after; None for no limit.
    """
    end = None if seconds is None else time.monotonic() + seconds
    reporter = Reporter(sinks)
    seen = 0
    while not stopped() and (end is None or time.monotonic() < end):
        # Read before the newest answer, so that the last one is reported before the end.
        stats, over = live.stats(), live.ended
        newest = live.newest(seen, _ANSWER_SECONDS)
        if newest is not None:
            seen = newest.frame.number
            reporter.shown(newest)
        reporter.available(camera_connected() and stats.error is None)
        if (newest is None and over) or (answers is not None and stats.answered >= answers):
            return
