"""Outages of a connection: what is reported of them, and how long to wait before the next attempt."""

import random
import threading
import time
from collections.abc import Callable
from typing import Literal

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
"""Seconds before the next attempt: doubled each time, less up to a half by chance, so that the devices that a
broker has lost do not come back all at once."""

LASTING_SECONDS = 30.0
"""How long a connection has to hold before its next loss is another outage."""

Cause = Literal["lost", "refused"]
Event = Literal["lost", "refused", "unstable", "restored"]


class Outage:
    """State of a connection that is opened again and again.

    Each cause is reported once an outage, however many attempts there are. A connection that is lost soon
    after it was restored is the same outage: it is reported as unstable once, and as restored when it has
    lasted.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reported: set[Event] = set()
        self._attempts = 0
        self._since: float | None = None

    def failed(self, cause: Cause) -> Event | None:
        """Record a failed attempt or a lost connection.

        Args:
            cause: "lost" where nothing answers any more, "refused" where the broker did answer.

        Returns:
            The event to report; None if it was reported before.
        """
        with self._lock:
            event: Event = cause
            if self._since is not None:
                if self._clock() - self._since >= LASTING_SECONDS:
                    self._end()
                elif self._reported:
                    event = "unstable"
            self._since = None
            self._attempts += 1
            new = event not in self._reported
            self._reported.add(event)
            return event if new else None

    def connected(self) -> Event | None:
        """Record that the connection was opened; return the event to report."""
        with self._lock:
            self._since = self._clock()
            return "restored" if self._reported and "unstable" not in self._reported else None

    def check(self) -> Event | None:
        """Return "restored" once, when an unstable connection has lasted."""
        with self._lock:
            if self._since is None or not self._reported or self._clock() - self._since < LASTING_SECONDS:
                return None
            unstable = "unstable" in self._reported
            self._end()
            return "restored" if unstable else None

    def wait(self) -> float:
        """Return the seconds to wait before the next attempt."""
        with self._lock:
            longest = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(max(self._attempts - 1, 0), 10))
        return random.uniform(longest / 2, longest)

    def _end(self) -> None:
        self._reported.clear()
        self._attempts = 0
