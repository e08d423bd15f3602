"""Endless responses: server-sent events and motion JPEG, to a bounded number of clients."""

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
"""A client that does not receive a part within this time is disconnected."""

BOUNDARY = "frame"


class Streams:
    """Counts open streams, and ends them all when the server stops."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self.stopping = asyncio.Event()

    @property
    def count(self) -> int:
        """Number of open streams."""
        return self._open.total()

    @contextlib.contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Count a stream as open within the context.

        Args:
            client: its address.

        Raises:
            ApiError: too many streams are open.
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
        """Raise an ApiError if a client may not open another stream."""
        if self.count >= MOST_STREAMS or self._open[client] >= MOST_OF_A_CLIENT:
            raise ApiError(429, "too many live views are open; close another page", {"Retry-After": "5"})


class Stream(Response):
    """Sends parts as they are produced, until the client disconnects or stalls, or the server stops."""

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
        """Send the response."""
        with self._streams.slot(self._client):
            sending = asyncio.create_task(self._send(send))
            leaving = asyncio.create_task(wait_for_disconnect(receive))
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


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the client is gone.

    Args:
        receive: of a request whose body was read to its end.
    """
    while (await receive())["type"] != "http.disconnect":
        pass


def event(value: Any) -> bytes:
    """Encode one server-sent event.

    Args:
        value: JSON values.

    Returns:
        The event, UTF-8.
    """
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


COMMENT = b": still here\n\n"
"""Keeps an idle connection open, and detects a lost one."""


def frame(jpeg: bytes) -> bytes:
    """Encode one part of motion JPEG.

    Args:
        jpeg: the picture.

    Returns:
        The part with its head, as multipart/x-mixed-replace.
    """
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
