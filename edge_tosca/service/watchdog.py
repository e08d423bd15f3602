"""Signs of life that stop when the work stops, so that systemd restarts a service that hangs."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping

from edge_tosca.service.notify import Notifier

_CHECKS = 4
"""Looks within the time that systemd waits: one that finds a slow loop a moment too early does no harm."""

logger = logging.getLogger(__name__)

Heartbeats = Mapping[str, Callable[[], int]]


class Watchdog:
    """Pings the notifier as long as every loop goes round.

    A loop that waits for something, such as a camera that is gone, has to count its rounds while it waits.

    Args:
        notifier: who is told, and how often it wants to be.
        heartbeats: a loop's name to what counts its rounds; every one has to have moved since the last ping.
        status: what the service does, to be told again when a loop that stood still moves on.
    """

    def __init__(self, notifier: Notifier, heartbeats: Heartbeats, status: str) -> None:
        self._notifier = notifier
        self._heartbeats = heartbeats
        self._status = status
        self._at_ping = dict.fromkeys(heartbeats, -1)
        self._stood_still: list[str] = []
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look at the loops from now on, in a thread of its own, where anybody waits for signs of life."""
        if self._notifier.watchdog_seconds is None:
            return
        seconds = self._notifier.watchdog_seconds / _CHECKS
        self._thread = threading.Thread(target=self._watch, args=(seconds,), name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> list[str]:
        """Ping where every loop has gone round since the last ping, and tell which has not otherwise.

        Returns:
            The names of the loops that stand still.
        """
        now = {name: count() for name, count in self._heartbeats.items()}
        still = [name for name, count in now.items() if count == self._at_ping[name]]
        if not still:
            self._at_ping = now
            self._notifier.ping()
        if still != self._stood_still:
            if still:
                logger.warning("no progress", extra={"loops": still})
            self._notifier.status(f"no progress of: {', '.join(still)}" if still else self._status)
            self._stood_still = still
        return still

    def _watch(self, seconds: float) -> None:
        while not self._closed.wait(seconds):
            self.look()


@contextlib.contextmanager
def supervised(heartbeats: Heartbeats, status: str) -> Iterator[Notifier]:
    """Run the block as a service: ready when it begins, signs of life while it runs, stopping when it ends.

    Args:
        heartbeats: a loop's name to what counts its rounds.
        status: one line on what the service does.

    Yields:
        To tell more with.
    """
    notifier = Notifier.from_environment()
    watchdog = Watchdog(notifier, heartbeats, status)
    notifier.ready(status)
    watchdog.start()
    try:
        yield notifier
    finally:
        notifier.stopping("stopping")
        watchdog.close()
