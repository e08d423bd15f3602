"""Watch a camera until it is told to stop, and tell every change of what is shown."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from edge_tosca.live import Live
from edge_tosca.watch.change import Change

_LOOK_SECONDS = 0.25


class Sink(Protocol):
    """What is told changes. It must not keep its caller waiting."""

    def change(self, change: Change) -> None:
        """Take a new shown answer."""
        ...

    def available(self, available: bool) -> None:
        """Take whether answers come; told again and again."""
        ...


def watch(
    live: Live,
    camera_there: Callable[[], bool],
    sinks: Sequence[Sink],
    stopped: Callable[[], bool],
    answers: int | None = None,
    seconds: float | None = None,
) -> None:
    """Tell sinks every change of what is shown.

    Args:
        live: the running loop.
        camera_there: whether the camera gives frames.
        sinks: told in their order.
        stopped: whether to end.
        answers: end when so many frames were answered; None for no such end.
        seconds: end after so long; None for no such end.
    """
    end = None if seconds is None else time.monotonic() + seconds
    shown: tuple[str, bool] | None = None
    seen = 0
    while not stopped() and (end is None or time.monotonic() < end):
        # Asked before the newest answer, so that the last one is told before the end.
        account, over = live.account(), live.ended
        newest = live.newest(seen, _LOOK_SECONDS)
        if newest is not None:
            seen = newest.frame.number
            change = Change.of(newest)
            if change is not None and change.says() != shown:
                shown = change.says()
                for sink in sinks:
                    sink.change(change)
        for sink in sinks:
            sink.available(camera_there() and account.error is None)
        if (newest is None and over) or (answers is not None and account.answered >= answers):
            return
