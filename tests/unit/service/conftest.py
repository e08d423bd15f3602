import os
import socket
from pathlib import Path

import pytest


class Listener:
    """The end of the notify socket that systemd holds."""

    def __init__(self, address):
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(30)

    def hear(self):
        """Wait for one message and give its fields."""
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def pending(self):
        """Give all messages that are there already."""
        self._socket.setblocking(False)
        heard = []
        try:
            while True:
                heard.append(self.hear())
        except BlockingIOError:
            return heard
        finally:
            self._socket.settimeout(30)

    def close(self):
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request, tmp_path):
    path = Path(tmp_path) / "notify"
    heard = Listener(str(path) if request.param == "path" else f"@edge-tosca-{os.getpid()}-{tmp_path.name}")
    yield heard
    heard.close()
