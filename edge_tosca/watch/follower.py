"""Report the changes of a live loop in a thread of its own, for a program that has other things to do."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from edge_tosca.live import Live
from edge_tosca.live.dwell import Dwell
from edge_tosca.watch.command import Command
from edge_tosca.watch.loop import Sink, watch
from edge_tosca.watch.mqtt import Publisher
from edge_tosca.watch.webhook import Webhook

_CLOSING_SECONDS = 5.0

OpenSinks = Callable[[ExitStack, Callable[[], Live | None]], Sequence[Sink]]
"""Opens sinks, which the stack closes; the second argument gives the live loop once there is one."""


class Follower:
    """Hands the changes of a live loop to sinks until it is closed.

    Args:
        open_sinks: opens the sinks at once, so that what is wrong with them is an error of the caller's.
        dwell: counts what is shown.

    Attributes:
        dwell: as given.

    Raises:
        EdgeToscaError: a sink cannot be opened.
    """

    def __init__(self, open_sinks: OpenSinks, dwell: Dwell) -> None:
        self.dwell = dwell
        self._live: Live | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._opened = ExitStack()
        try:
            self._sinks = (*open_sinks(self._opened, lambda: self._live), dwell)
        except BaseException:
            self._opened.close()
            raise

    def start(self, live: Live, connected: Callable[[str], bool]) -> None:
        """Begin to follow.

        Args:
            live: the loop.
            connected: returns whether the camera of a name gives frames.
        """
        self._live = live
        self._thread = threading.Thread(
            target=watch,
            args=(live, _Connected(connected), self._sinks, self._stop.is_set),
            name="events",
            daemon=True,
        )
        self._thread.start()

    def events(self) -> dict[tuple[str, str], int]:
        """Return how many changes became what since the start, by sink and outcome."""
        found: dict[tuple[str, str], int] = {}
        for sink in self._sinks:
            if isinstance(sink, Webhook):
                stats = sink.stats()
                found |= {("webhook", "delivered"): stats.delivered, ("webhook", "dropped"): stats.dropped}
            elif isinstance(sink, Command):
                found["command", "dropped"] = sink.skipped
            elif isinstance(sink, Publisher):
                found["mqtt", "dropped"] = sink.skipped
        return found

    def close(self) -> None:
        """End, and close the sinks."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_CLOSING_SECONDS)
        self._opened.close()


class _Connected(Mapping[str, Callable[[], bool]]):
    """Cameras by name, whichever there are at the moment."""

    def __init__(self, connected: Callable[[str], bool]) -> None:
        self._connected = connected

    def __getitem__(self, name: str) -> Callable[[], bool]:
        return lambda: self._connected(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
