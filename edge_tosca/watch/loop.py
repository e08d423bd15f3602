"""Report every change of the shown answer until the watch ends."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from edge_tosca.live import Live
from edge_tosca.watch.change import Change

_ANSWER_SECONDS = 0.25


class Sink(Protocol):
    """Receives changes; its methods must return at once."""

    def change(self, change: Change) -> None:
        """Receive a new shown answer.

        Args:
            change: the answer.
        """
        ...

    def available(self, available: bool) -> None:
        """Receive whether there are answers; called again and again.

        Args:
            available: whether the camera and the store give answers.
        """
        ...


def watch(
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
    shown: tuple[str, bool] | None = None
    seen = 0
    while not stopped() and (end is None or time.monotonic() < end):
        # Read before the newest answer, so that the last one is reported before the end.
        stats, over = live.stats(), live.ended
        newest = live.newest(seen, _ANSWER_SECONDS)
        if newest is not None:
            seen = newest.frame.number
            change = Change.of(newest)
            if change is not None and change.state() != shown:
                shown = change.state()
                for sink in sinks:
                    sink.change(change)
        for sink in sinks:
            sink.available(camera_connected() and stats.error is None)
        if (newest is None and over) or (answers is not None and stats.answered >= answers):
            return
