"""One publisher for a broker and a prefix on a host: the name of a socket that the kernel gives once."""

import contextlib
import hashlib
import ipaddress
import socket

from edge_tosca.errors import EdgeToscaError
from edge_tosca.watch.broker import Broker


class Instance:
    """Holds a broker and a prefix for this process, whoever runs it, until it is closed or the process ends.

    An abstract socket (unix(7)) is a lock without a file: users and services share it, a read-only system does
    not matter, and the kernel releases it with the process, after kill -9 too.

    Args:
        broker: the broker and the prefix.

    Raises:
        EdgeToscaError: another process, or another publisher of this one, holds them.
    """

    def __init__(self, broker: Broker) -> None:
        words = f"{_canonical(broker.host)}:{broker.port}/{broker.prefix}"
        name = f"\0edge-tosca/mqtt/{hashlib.sha256(words.encode(errors='surrogateescape')).hexdigest()[:32]}"
        self._socket: socket.socket | None = None
        try:
            held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError:
            # A sandbox without sockets of this kind; two publishers then take turns in what they publish.
            return
        try:
            held.bind(name)
        except OSError:
            held.close()
            raise EdgeToscaError(
                f"--mqtt: another edge-tosca on this host publishes to {broker.name} under the same prefix; give "
                "each its own, as in mqtt://host/hall/gate3"
            ) from None
        self._socket = held

    def close(self) -> None:
        """Let another publisher have them."""
        if self._socket is not None:
            self._socket.close()


def _canonical(host: str) -> str:
    with contextlib.suppress(ValueError):
        return "localhost" if ipaddress.ip_address(host).is_loopback else host
    return host.rstrip(".")
