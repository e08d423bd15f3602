"""The protocol of sd_notify(3): datagrams that report the state of a service to systemd."""

import logging
import os
import socket
from collections.abc import Mapping
from typing import Self

_SEND_SECONDS = 5.0
"""A socket that is not read must not stop the service that writes to it."""

logger = logging.getLogger(__name__)


class Notifier:
    """Writes to the socket that $NOTIFY_SOCKET names; without one it does nothing.

    Args:
        address: a path, or "@" and a name in Linux's abstract namespace; None for no socket.
        watchdog_seconds: how long the service manager waits for a ping; None if it expects none.
    """

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self.watchdog_seconds = watchdog_seconds

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, as systemd sets them.

        Args:
            environ: the variables.

        Returns:
            The notifier. It expects no pings if WATCHDOG_PID names another process.
        """
        address = environ.get("NOTIFY_SOCKET") or None
        microseconds = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        expected = address is not None and meant and microseconds.isdigit() and int(microseconds) > 0
        return cls(address, int(microseconds) / 1e6 if expected else None)

    def ready(self, status: str) -> bool:
        """Report that the service has started.

        Args:
            status: one line for `systemctl status`.

        Returns:
            Whether the message was sent.
        """
        return self._send(READY="1", STATUS=status)

    def status(self, text: str) -> bool:
        """Set the line for `systemctl status`.

        Args:
            text: what the service does.

        Returns:
            Whether the message was sent.
        """
        return self._send(STATUS=text)

    def ping(self) -> bool:
        """Reset the watchdog; return whether the message was sent."""
        return self._send(WATCHDOG="1")

    def stopping(self, status: str) -> bool:
        """Report that the service is about to end by itself.

        Args:
            status: one line for `systemctl status`.

        Returns:
            Whether the message was sent.
        """
        return self._send(STOPPING="1", STATUS=status)

    def _send(self, **fields: str) -> bool:
        if self._address is None:
            return False
        message = "\n".join(f"{name}={' '.join(value.split())}" for name, value in fields.items())
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
                connection.settimeout(_SEND_SECONDS)
                connection.connect(address)
                connection.sendall(message.encode(errors="replace"))
        except OSError as error:
            logger.warning("systemd was not notified", extra={"socket": self._address, "error": str(error)})
            return False
        return True
