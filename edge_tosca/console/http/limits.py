"""Limit the size, speed and rate of requests, so that the camera's loop continues under any load."""

import asyncio
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_tosca.console.http.requester import requester
from edge_tosca.packs.container import MAX_BYTES

MEGABYTE = 1 << 20

PICTURE_BYTES = 16 * MEGABYTE
BURST_BYTES = 64 * MEGABYTE
PACK_BYTES = MAX_BYTES
OTHER_BYTES = MEGABYTE

BODIES_BYTES = 192 * MEGABYTE
"""Of all bodies that are received or worked on at the same time."""

BODIES_OF_A_CLIENT = 128 * MEGABYTE
"""The same of one client."""

PART_SECONDS = 10.0
"""Within which the next part of a body must arrive."""

BODY_SECONDS = 120.0
"""Within which the whole body must arrive."""

SEND_SECONDS = 20.0
"""Within which a client must receive a part of an answer."""

_LIMITS = {
    "/api/v1/predict": PICTURE_BYTES,
    "/api/v1/queue": PICTURE_BYTES,
    "/api/v1/live/frame": PICTURE_BYTES,
    "/api/v1/burst": BURST_BYTES,
    "/api/v1/packs/inspect": PACK_BYTES,
    "/api/v1/packs/import": PACK_BYTES,
}

MOST_CLIENTS = 1024


@dataclass(frozen=True)
class Rate:
    """Rate limit of one client, as a token bucket.

    Attributes:
        name: of the bucket.
        each_second: requests a second, on average.
        burst: requests at once.
    """

    name: str
    each_second: float
    burst: float


REQUESTS = Rate("requests", 60.0, 240.0)
"""Enough for a page with 200 pictures, followed by capture at ten frames a second beside a live view."""

WITHOUT_TOKEN = Rate("without token", 60.0, 240.0)
"""The same for requests without a token, so that they take nothing from the others of their address."""


class Rates:
    """Token buckets of the last MOST_CLIENTS clients; an IPv6 network of 64 bits is one client."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._clock = clock

    def wait(self, rate: Rate, client: str) -> float:
        """Take one token from a client's bucket.

        Args:
            rate: the limit.
            client: its address.

        Returns:
            0 if the request is allowed, otherwise the seconds until it is.
        """
        now = self._clock()
        key = rate.name, network_of(client)
        left, at = self._buckets.pop(key, (rate.burst, now))
        left = min(rate.burst, left + (now - at) * rate.each_second)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        while len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) / rate.each_second


def too_many(wait: float) -> JSONResponse:
    """Refuse a request above a rate.

    Args:
        wait: seconds until the next one is answered.

    Returns:
        The response.
    """
    retry = {"Retry-After": str(int(wait) + 1)}
    return JSONResponse({"error": "too many requests from this address; send fewer"}, 429, retry)


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Limits:
    """Middleware that counts a body while it is read, and refuses requests above a limit."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app, self._rates = app, rates
        self._receiving: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sender = requester()
        wait = self._rates.wait(WITHOUT_TOKEN if sender.user is None else REQUESTS, sender.client)
        if wait > 0:
            await too_many(wait)(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run(self._app)

    def take(self, client: str, size: int) -> None:
        """Add bytes to the count of bodies that are being received; refuse them above the limit."""
        self._receiving[client] += size
        if self._receiving[client] > BODIES_OF_A_CLIENT or self._receiving.total() > BODIES_BYTES:
            raise _RefusedError(429, "too many uploads at once; send this again in a moment")

    def release(self, client: str, size: int) -> None:
        """Subtract the bytes of a body that is over."""
        self._receiving[client] -= size
        if not self._receiving[client]:
            del self._receiving[client]


class _Exchange:
    """One request and its answer."""

    def __init__(self, limits: Limits, scope: Scope, receive: Receive, send: Send) -> None:
        self._limits, self._scope, self._receive, self._send = limits, scope, receive, send
        self._most = _LIMITS.get(scope["path"], OTHER_BYTES)
        self._client = requester().client
        self._size = 0
        self._whole = False
        self._until = time.monotonic() + BODY_SECONDS
        self._refused: _RefusedError | None = None
        self._begun = False

    async def run(self, app: ASGIApp) -> None:
        try:
            try:
                self._check_length()
                await app(self._scope, self._next_part, self._answer)
            except _RefusedError as refused:
                self._refused = refused
            if self._refused is not None and not self._begun:
                # The rest of the body is not read, so the connection cannot be used again.
                close = {"Connection": "close"}
                response = JSONResponse({"error": self._refused.sentence}, self._refused.status, close)
                await response(self._scope, self._receive, self._send)
        finally:
            self._limits.release(self._client, self._size)

    def _check_length(self) -> None:
        declared = dict(self._scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._most:
            raise self._too_large()

    def _too_large(self) -> _RefusedError:
        most = f"{self._most / MEGABYTE:.2g} MB"
        return _RefusedError(413, f"this is too large; send at most {most}")

    async def _next_part(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            left = min(PART_SECONDS, self._until - time.monotonic())
            message = await asyncio.wait_for(self._receive(), max(left, 0.0))
            if message["type"] == "http.request":
                size = len(message.get("body", b""))
                self._size += size
                self._whole = not message.get("more_body", False)
                self._limits.take(self._client, size)
                if self._size > self._most:
                    raise self._too_large()
            return message
        except TimeoutError:
            self._refused = _RefusedError(408, "the upload came too slowly; send it again")
            raise self._refused from None
        except _RefusedError as refused:
            # The reader of the body may treat any exception as a malformed body; `run` answers with this one.
            self._refused = refused
            raise

    async def _answer(self, message: Message) -> None:
        if self._refused is not None and not self._begun:
            return
        self._begun = True
        await asyncio.wait_for(self._send(message), SEND_SECONDS)


def network_of(client: str) -> str:
    """Return what counts as one client: an address, or an IPv6 network of 64 bits.

    Args:
        client: an address.
    """
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return client
