"""Watchdog pings that stop when a loop stops, so that systemd restarts a service that hangs."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping

from edge_tosca.service.notify import Notifier

_CHECKS = 4
"""Checks within the time that systemd waits: one that comes too early for a slow loop does no harm."""

logger = logging.getLogger(__name__)

Heartbeats = Mapping[str, Callable[[], int]]


class Watchdog:
    """Pings the notifier as long as every loop makes progress.

    A loop that waits, for a lost camera for example, must count rounds while it waits.

    Args:
        notifier: gets the pings, and sets how often.
        heartbeats: name of a loop to the function that returns its rounds; each must have grown since the
            last ping.
        status: line for `systemctl status`, sent again when a stalled loop continues.
    """

    def __init__(self, notifier: Notifier, heartbeats: Heartbeats, status: str) -> None:
        self._notifier = notifier
        self._heartbeats = heartbeats
        self._status = status
        self._at_ping = dict.fromkeys(heartbeats, -1)
        self._stalled: list[str] = []
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start to check the loops, in a thread of its own, if the service manager expects pings."""
        if self._notifier.watchdog_seconds is None:
            return
        seconds = self._notifier.watchdog_seconds / _CHECKS
        self._thread = threading.Thread(target=self._watch, args=(seconds,), name="watchdog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop checking."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def check(self) -> list[str]:
        """Ping if every loop has made progress since the last ping; log and report the others otherwise.

        Returns:
            The names of the stalled loops.
        """
        now = {name: count() for name, count in self._heartbeats.items()}
        stalled = [name for name, count in now.items() if count == self._at_ping[name]]
        if not stalled:
            self._at_ping = now
            self._notifier.ping()
        if stalled != self._stalled:
            if stalled:
                logger.warning("no progress", extra={"loops": stalled})
            self._notifier.status(f"no progress of: {', '.join(stalled)}" if stalled else self._status)
            self._stalled = stalled
        return stalled

    def _watch(self, seconds: float) -> None:
        while not self._closed.wait(seconds):
            self.check()


@contextlib.contextmanager
def supervised(heartbeats: Heartbeats, status: str) -> Iterator[Notifier]:
    """Run the block as a service: ready when it begins, pings while it runs, stopping when it ends.

    Args:
        heartbeats: name of a loop to the function that returns its rounds.
        status: one line on what the service does.

    Yields:
        The notifier, for further messages.
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
