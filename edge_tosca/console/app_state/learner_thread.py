"""A thread that owns a learner and runs work with it; a store must not be used by two threads at once."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge_tosca.console.http.errors import ApiError
from edge_tosca.learner.learner import Learner
from edge_tosca.system.files import file_identity

T = TypeVar("T")


class LearnerThread:
    """Runs work with a learner, one piece after the other.

    At most `most_waiting` pieces wait; more are refused. A file that replaces the store is detected before
    the next piece of work, and opened.
    """

    def __init__(
        self,
        store: Path,
        open_learner: Callable[[], Learner],
        name: str,
        *,
        most_waiting: int = 16,
        niceness: int = 0,
    ) -> None:
        self._store = store
        self._open = open_learner
        self._most = most_waiting
        self._waiting = 0
        self._learner: Learner | None = None
        self._file: tuple[int, int] | None = None
        self._executor = ThreadPoolExecutor(1, name, lambda: lower_priority(niceness))

    async def __call__(self, work: Callable[[Learner], T]) -> T:
        """Run a piece of work in the thread.

        Args:
            work: called with the learner.

        Returns:
            The work's result.

        Raises:
            ApiError: too many pieces wait.
            EdgeToscaError: raised by the work, or the store cannot be opened.
        """
        if self._waiting >= self._most:
            raise ApiError(429, "too many requests at once; ask again in a second", {"Retry-After": "1"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._do, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Finish all work and close the store."""
        self._executor.submit(self._close)
        self._executor.shutdown(wait=True)

    def _do(self, work: Callable[[Learner], T]) -> T:
        file = file_identity(self._store)
        if self._learner is None or file != self._file or self._learner.store.outdated:
            self._close()
            self._learner = self._open()
            self._file = file
        return work(self._learner)

    def _close(self) -> None:
        if self._learner is not None:
            self._learner.close()
            self._learner = None


def lower_priority(niceness: int) -> None:
    """Lower the priority of the calling thread and of the threads that it starts.

    Args:
        niceness: 0 .. 19; 0 changes nothing.
    """
    if niceness:
        # A sandbox may forbid it; the thread then keeps its priority.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
