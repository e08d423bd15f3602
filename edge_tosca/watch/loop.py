"""Report every change of a region's shown answer until the watch ends."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from edge_tosca.live import Live, Place
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

    def available(self, available: Mapping[Place, bool]) -> None:
        """Receive which regions have answers; called again and again.

        Args:
            available: of each region, whether its camera and the store give answers; a region that was
                removed is absent.
        """
        ...


def watch(
    live: Live,
    connected: Mapping[str, Callable[[], bool]],
    sinks: Sequence[Sink],
    stopped: Callable[[], bool],
    answers: int | None = None,
    seconds: float | None = None,
) -> None:
    """Report every change of the shown answer of every region to sinks.

    Args:
        live: the running loop.
        connected: of each camera by name, returns whether it gives frames.
        sinks: called in their order.
        stopped: returns whether to end.
        answers: number of answered frames, of all regions, to end after; None for no limit.
        seconds: time to end after; None for no limit.
    """
    end = None if seconds is None else time.monotonic() + seconds
    shown: dict[Place, tuple[str, bool]] = {}
    total = 0
    while not stopped() and (end is None or time.monotonic() < end):
        # Read before the newest answers, so that the last ones are reported before the end.
        over, before = live.ended, total
        total = live.wait(total, _ANSWER_SECONDS)
        states = live.places()
        for state in states:
            change = None if state.newest is None else Change.of(state.newest)
            if change is not None and change.state() != shown.get(state.place):
                shown[state.place] = change.state()
                for sink in sinks:
                    sink.change(change)
        available = {
            state.place: connected[state.place.camera]() and live.stats(state.place).error is None
            for state in states
        }
        for sink in sinks:
            sink.available(available)
        if (total == before and over) or (answers is not None and total >= answers):
            return
