"""One publisher for a broker and a prefix on a host: the name of a socket that the kernel gives once."""

import contextlib
import errno
import hashlib
import ipaddress
import socket

from edge_tosca.errors import EdgeToscaError
from edge_tosca.watch.broker import Broker


class Instance:
    """Holds a broker and a prefix on this host until it is closed or its process ends.

    An abstract socket (unix(7)) is a lock without a file: all users and services of a host share it, it needs
    no folder that can be written, and the kernel releases it with the process, after kill -9 too.

    Args:
        broker: the broker and the prefix.

    Raises:
        EdgeToscaError: another process, or another publisher of this one, holds them.
    """

    def __init__(self, broker: Broker) -> None:
        words = f"{_canonical(broker.host)}:{broker.port}/{broker.prefix}"
        name = f"\0edge-tosca/mqtt/{hashlib.sha256(words.encode(errors='surrogateescape')).hexdigest()[:32]}"
        self._socket: socket.socket | None = None
        # Where a sandbox has no sockets of this kind, nothing prevents a second publisher.
        with contextlib.suppress(OSError):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._socket.bind(name)
            except OSError as error:
                self._socket.close()
                if error.errno == errno.EADDRINUSE:
                    raise EdgeToscaError(
                        f"--mqtt: another edge-tosca on this host publishes to {broker.name} under the same "
                        "prefix; name another prefix for this one, as in mqtt://host/hall/gate3"
                    ) from None

    def close(self) -> None:
        """Let another publisher have them."""
        if self._socket is not None:
            self._socket.close()


def _canonical(host: str) -> str:
    with contextlib.suppress(ValueError):
        return "localhost" if ipaddress.ip_address(host).is_loopback else host
    return host.rstrip(".")
