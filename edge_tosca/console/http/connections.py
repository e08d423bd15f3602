"""Limit the number of connections, and the time that a connection may stay without a request."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge_tosca.console.http.forwarded import Network, is_within, parse_networks
from edge_tosca.console.http.security import HEADERS

HEAD_SECONDS = 10.0
"""Within which a request's head must arrive, byte by byte or at once."""

MOST_CONNECTIONS = 128
MOST_OF_A_CLIENT = 48


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a time limit on request heads and a limit on connections.

    uvicorn limits only the time between requests: a client that sends one byte of a head now and then would
    keep its connection for ever.
    """

    trusted: ClassVar[Sequence[Network]] = ()
    """Proxies, which hold the connections of many clients."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, or close it if there are too many."""
        super().connection_made(transport)
        mine = self.client[0] if self.client else ""
        same = sum(1 for one in self.connections if _client(one) == mine)
        several = same > MOST_OF_A_CLIENT and not is_within(mine, self.trusted)
        if len(self.connections) > MOST_CONNECTIONS or several:
            transport.abort()
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Read data, and begin or end the wait for a head."""
        super().data_received(data)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the wait."""
        self._end_wait()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse data that is not HTTP, with the API's JSON and headers; uvicorn sends neither."""
        body = json.dumps({"error": "this is not a readable request; send plain HTTP/1.1"}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *HEADERS,
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait_for_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._end_wait()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end_wait(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.abort()


def protocol_behind(proxies: Sequence[str]) -> type[PatientProtocol]:
    """Return the protocol of a server behind proxies.

    Args:
        proxies: their addresses and networks.

    Returns:
        A class for uvicorn.
    """
    return type("ProxiedProtocol", (PatientProtocol,), {"trusted": parse_networks(proxies)})


def _client(connection: Any) -> str:
    client = getattr(connection, "client", None)
    return client[0] if client else ""
