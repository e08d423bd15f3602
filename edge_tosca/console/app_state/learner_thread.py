"""A thread that owns a learner and runs work with it; a store must not be used by two threads at once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge_tosca.console.app_state.fair_thread import FairThread
from edge_tosca.console.http.requester import requester
from edge_tosca.learner.learner import Learner
from edge_tosca.system.files import file_identity

T = TypeVar("T")


class LearnerThread:
    """Runs work with a learner, one piece after the other, in turns between clients.

    A file that replaces the store is detected before the next piece of work, and opened. What a piece changes
    is recorded under the name of the user who sent the request.
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
        self._learner: Learner | None = None
        self._file: tuple[int, int] | None = None
        self._thread = FairThread(name, most_waiting=most_waiting, niceness=niceness)

    async def __call__(self, work: Callable[[Learner], T]) -> T:
        """Run a piece of work in the thread.

        Args:
            work: called with the learner.

        Returns:
            The work's result.

        Raises:
            ApiError: too many pieces wait, or the server ends.
            EdgeToscaError: raised by the work, or the store cannot be opened.
        """
        by = requester().provenance
        return await self._thread(lambda: self._do(work, by))

    def stop(self) -> None:
        """Refuse the work that waits, and further work; the piece under way is finished."""
        self._thread.stop()

    def close(self, seconds: float | None = None) -> bool:
        """Finish the piece under way and close the store.

        Args:
            seconds: to wait; None for any time.

        Returns:
            Whether the thread has ended.
        """
        return self._thread.close(seconds, self._close)

    def _do(self, work: Callable[[Learner], T], by: dict[str, str]) -> T:
        file = file_identity(self._store)
        if self._learner is None or file != self._file or self._learner.store.outdated:
            self._close()
            self._learner = self._open()
            self._file = file
        if not by:
            return work(self._learner)
        with self._learner.store.audit_log.changes_by(by):
            return work(self._learner)

    def _close(self) -> None:
        if self._learner is not None:
            self._learner.close()
            self._learner = None
