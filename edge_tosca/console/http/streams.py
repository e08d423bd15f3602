"""Answers that do not end: server-sent events and motion JPEG, to a bounded number of clients."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge_tosca.console.http.errors import ApiError

MOST_STREAMS = 24
MOST_OF_A_CLIENT = 8

STALLED_SECONDS = 10.0
"""A client that does not take a part for so long is let go."""

BOUNDARY = "frame"


class Streams:
    """Counts the streams that are open, and ends them all when the server stops."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self.stopping = asyncio.Event()

    @property
    def count(self) -> int:
        """Streams that are open."""
        return self._open.total()

    @contextlib.contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Take a place among the streams for a while.

        Args:
            client: its address.

        Raises:
            Complaint: all places are taken.
        """
        self.check(client)
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def check(self, client: str) -> None:
        """Complain if there is no place for a client."""
        if self.count >= MOST_STREAMS or self._open[client] >= MOST_OF_A_CLIENT:
            raise ApiError(429, "too many live views are open; close another page", {"Retry-After": "5"})


class Stream(Response):
    """Sends parts as they come, until the client goes, stalls, or the server stops."""

    def __init__(self, parts: AsyncGenerator[bytes], streams: Streams, client: str, media_type: str) -> None:
        streams.check(client)
        self.status_code = 200
        self.background = None
        self.body = b""
        self._parts, self._streams, self._client = parts, streams, client
        self.raw_headers = [
            (b"content-type", media_type.encode()),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send."""
        with self._streams.slot(self._client):
            sending = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(_gone(receive))
            stopping = asyncio.create_task(self._streams.stopping.wait())
            try:
                await asyncio.wait((sending, leaving, stopping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving, stopping):
                    task.cancel()
                await asyncio.gather(sending, leaving, stopping, return_exceptions=True)
            if self._streams.stopping.is_set():
                with contextlib.suppress(OSError, RuntimeError, TimeoutError):
                    await asyncio.wait_for(
                        send({"type": "http.response.body", "body": b"", "more_body": False}), 1
                    )

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with contextlib.aclosing(self._parts) as parts:
            async for part in parts:
                message = {"type": "http.response.body", "body": part, "more_body": True}
                await asyncio.wait_for(send(message), STALLED_SECONDS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event(value: Any) -> bytes:
    """Write one server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


COMMENT = b": still here\n\n"
"""Keeps a connection from looking dead, and finds out when it is."""


def frame(jpeg: bytes) -> bytes:
    """Write one part of motion JPEG."""
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
