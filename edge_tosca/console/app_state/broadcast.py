"""Publish the newest value to any number of waiting coroutines; a slow one skips values, never the newest."""

import asyncio
import contextlib
import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Broadcast(Generic[T]):
    """One value. Any thread may publish a new one; coroutines wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None
        self._version = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def publish(self, value: T) -> None:
        """Replace the value and wake every waiting coroutine."""
        with self._lock:
            self._value = value
            self._version += 1
            waiting = list(self._waiting)
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def newest(self) -> tuple[int, T | None]:
        """Return the value's version, counted from 1, and the value; 0 and None before the first."""
        with self._lock:
            return self._version, self._value

    async def newer(self, version: int, timeout: float) -> tuple[int, T | None]:
        """Wait for a value newer than a version.

        Args:
            version: the version that the caller has.
            timeout: seconds.

        Returns:
            Version and value, as `newest`; the caller's version if nothing was published in time.
        """
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        with self._lock:
            self._waiting.add(entry)
        try:
            if self.newest()[0] <= version:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), timeout)
            return self.newest()
        finally:
            with self._lock:
                self._waiting.discard(entry)
