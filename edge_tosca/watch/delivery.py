"""Post one event: bounded in time and size, without following redirects, with the certificate verified."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from edge_tosca.version import __version__
from edge_tosca.watch.receiver import Receiver, signature

TIMEOUT_SECONDS = 10.0
"""For connecting, and for each part of the answer."""

LONGEST_SECONDS = 30.0
"""For one attempt in all, however slowly the receiver answers."""

TIME_HEADER = "X-Edge-Tosca-Time"
SIGNATURE_HEADER = "X-Edge-Tosca-Signature"
DELIVERY_HEADER = "X-Edge-Tosca-Delivery"

_LATER = frozenset({408, 425, 429})
"""Answers of 4xx that ask for another attempt."""


@dataclass(frozen=True)
class Delivered:
    """The receiver took the event."""


@dataclass(frozen=True)
class Refused:
    """The receiver will not take the event.

    Attributes:
        reason: what to check, after the receiver's name.
    """

    reason: str


@dataclass(frozen=True)
class Failed:
    """The event may be taken later.

    Attributes:
        reason: what to check, after the receiver's name.
    """

    reason: str


def post(receiver: Receiver, delivery: str, body: bytes) -> Delivered | Refused | Failed:
    """Post an event.

    Args:
        receiver: the address and the secret.
        delivery: identifies the event in all its attempts.
        body: JSON.

    Returns:
        What became of it.
    """
    try:
        status = _status(receiver, delivery, body)
    except ssl.SSLCertVerificationError as error:
        return Failed(f"has a certificate that is not valid ({error.verify_message}); check it")
    except (OSError, http.client.HTTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return Failed(f"cannot be reached ({reason}); check its address and that it runs")
    if 200 <= status < 300:
        return Delivered()
    if 300 <= status < 400:
        return Refused(f"redirects (HTTP {status}), which is not followed; name the final address")
    if 400 <= status < 500 and status not in _LATER:
        hint = "check the secret on both sides" if status in (401, 403) else "check its address and its log"
        return Refused(f"refuses events (HTTP {status}); {hint}")
    return Failed(f"has a fault (HTTP {status}); check its log")


def _status(receiver: Receiver, delivery: str, body: bytes) -> int:
    now = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"edge-tosca/{__version__}",
        TIME_HEADER: now,
        SIGNATURE_HEADER: signature(receiver.secret, now, body),
        DELIVERY_HEADER: delivery,
        "Connection": "close",
    }
    if receiver.authorization is not None:
        headers["Authorization"] = receiver.authorization
    # Neither follows redirects or proxies of the environment.
    connection = (
        http.client.HTTPSConnection(
            receiver.host, receiver.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
        if receiver.tls
        else http.client.HTTPConnection(receiver.host, receiver.port, timeout=TIMEOUT_SECONDS)
    )
    with contextlib.closing(connection):
        connection.connect()
        # A receiver that sends a byte now and then would keep each part of the answer within its own limit.
        guard = threading.Timer(LONGEST_SECONDS, _end, (connection.sock,))
        guard.daemon = True
        guard.start()
        try:
            connection.request("POST", receiver.target, body, headers)
            return int(connection.getresponse().status)
        finally:
            guard.cancel()


def _end(open_socket: socket.socket) -> None:
    with contextlib.suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)
