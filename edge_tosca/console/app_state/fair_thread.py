"""A thread that runs pieces of work, in turns between the clients that wait for them."""

import asyncio
import contextlib
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.requester import requester

T = TypeVar("T")

CLIENTS = 4
"""Times the work of one client that may wait in all."""


@dataclass(eq=False)
class _Piece:
    work: Callable[[], Any]
    result: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop

    def run(self) -> None:
        value, error = None, None
        try:
            value = self.work()
        except BaseException as raised:
            error = raised
        # The loop may be closed when the server ends; the answer then interests no one.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.give, value, error)

    def give(self, value: object, error: BaseException | None) -> None:
        if self.result.done():
            return
        if error is None:
            self.result.set_result(value)
        else:
            self.result.set_exception(error)


class FairThread:
    """Runs one piece of work at a time; after each it is the next client's turn.

    At most `most_waiting` pieces of a client wait, and CLIENTS times as many in all; more are refused. A
    piece whose request is cancelled before its turn is not run.
    """

    def __init__(self, name: str, *, most_waiting: int, niceness: int = 0) -> None:
        self._most = most_waiting
        self._niceness = niceness
        self._turns: OrderedDict[str, deque[_Piece]] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._done = False
        self._last: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Run a piece of work in the thread, for the sender of the present request.

        Args:
            work: called without arguments.

        Returns:
            The work's result.

        Raises:
            ApiError: too many pieces wait, or the server ends.
        """
        client = requester().client
        loop = asyncio.get_running_loop()
        piece = _Piece(work, loop.create_future(), loop)
        self._add(client, piece)
        try:
            result: T = await piece.result
            return result
        finally:
            self._remove(client, piece)

    def stop(self) -> None:
        """Refuse the work that waits, and further work; the piece under way is finished."""
        with self._changed:
            self._stopping = True
            waiting = [piece for some in self._turns.values() for piece in some]
            self._turns.clear()
        for piece in waiting:
            with contextlib.suppress(RuntimeError):
                piece.loop.call_soon_threadsafe(piece.give, None, _ending())

    def close(self, seconds: float | None = None, last: Callable[[], object] | None = None) -> bool:
        """Stop, run one last piece of work and end the thread.

        Args:
            seconds: to wait for the end; None for any time.
            last: the last piece.

        Returns:
            Whether the thread has ended.
        """
        self.stop()
        with self._changed:
            self._last = last
            if self._thread.ident is None:
                self._thread.start()
            self._done = True
            self._changed.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _add(self, client: str, piece: _Piece) -> None:
        with self._changed:
            if self._stopping:
                raise _ending()
            mine = self._counts.get(client, 0)
            if mine >= self._most or sum(self._counts.values()) >= CLIENTS * self._most:
                raise ApiError(429, "too many requests at once; ask again in a second", {"Retry-After": "1"})
            self._counts[client] = mine + 1
            self._turns.setdefault(client, deque()).append(piece)
            if self._thread.ident is None:
                self._thread.start()
            self._changed.notify_all()

    def _remove(self, client: str, piece: _Piece) -> None:
        with self._changed:
            self._counts[client] -= 1
            if not self._counts[client]:
                del self._counts[client]
            with contextlib.suppress(KeyError, ValueError):
                self._turns[client].remove(piece)
                if not self._turns[client]:
                    del self._turns[client]

    def _next(self) -> _Piece | None:
        with self._changed:
            while not self._turns:
                if self._done:
                    return None
                self._changed.wait()
            client, waiting = self._turns.popitem(last=False)
            piece = waiting.popleft()
            if waiting:
                # At the end: all other clients have their turn first.
                self._turns[client] = waiting
            return piece

    def _run(self) -> None:
        lower_priority(self._niceness)
        while (piece := self._next()) is not None:
            piece.run()
            # It holds a picture, which must not stay in memory until the next piece comes.
            del piece
        if self._last is not None:
            self._last()


def _ending() -> ApiError:
    return ApiError(503, "the console is ending; ask again when it is back", {"Retry-After": "5"})


def lower_priority(niceness: int) -> None:
    """Lower the priority of the calling thread and of the threads that it starts.

    Args:
        niceness: 0 .. 19; 0 changes nothing.
    """
    if niceness:
        # A sandbox may forbid it; the thread then keeps its priority.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
