"""One GET request to a camera, bounded in size and time, with the standard library alone."""

import contextlib
import http.client
import socket
import ssl
import time
from typing import Self

from edge_tosca.addresses import PERCENT_CODES, Address
from edge_tosca.devices.camera.http_auth import authorization
from edge_tosca.errors import CameraError

SILENT_SECONDS = 5.0
"""How long a camera may take to connect, and between two parts of an answer."""

PICTURE_SECONDS = 15.0
"""How long a picture may take from its beginning to its end, however it drips."""

_UNAUTHORIZED = 401


class HttpAnswer:
    """An answer whose body is read part by part.

    Attributes:
        kind: its content type, in small letters and without parameters.
        is_read: whether its whole body was asked for.
    """

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, name: str
    ) -> None:
        self._connection, self._response, self._name = connection, response, name
        self._deadline = time.monotonic() + PICTURE_SECONDS
        self.kind = (response.headers.get_content_type() or "").lower()
        self.is_read = False

    @classmethod
    def get(cls, address: Address, name: str) -> Self:
        """Ask for an address; user and password are sent if the camera asks for them.

        Args:
            address: http or https.
            name: of the camera for errors, without the password.

        Returns:
            The answer, with status 200.

        Raises:
            CameraError: the camera does not answer, refuses, or leads elsewhere.
        """
        answer = cls._ask(address, name, None)
        response = answer._response
        if response.status == _UNAUTHORIZED and address.user is not None:
            challenges = response.headers.get_all("WWW-Authenticate", [])
            value = authorization(challenges, address.user, address.password or "", _target(address))
            answer.close()
            if value is None:
                raise CameraError(
                    f"{name}: asks for a login of a kind that is not supported; set it to Basic"
                )
            answer = cls._ask(address, name, value)
            response = answer._response
        if response.status == http.client.OK:
            return answer
        status = response.status
        answer.close()
        if status in (_UNAUTHORIZED, 403):
            written = f"; in them write {PERCENT_CODES}" if address.unusual else ""
            raise CameraError(f"{name}: refuses (status {status}); check user and password{written}")
        if 300 <= status < 400:
            raise CameraError(f"{name}: leads to another address (status {status}); name that one")
        raise CameraError(f"{name}: answers with status {status}; check its address")

    @classmethod
    def _ask(cls, address: Address, name: str, login: str | None) -> Self:
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(address.host, address.port, timeout=SILENT_SECONDS)
        headers = {"User-Agent": "edge-tosca", "Accept": "multipart/x-mixed-replace, image/*"}
        if login is not None:
            headers["Authorization"] = login
        try:
            connection.request("GET", _target(address), headers=headers)
            response = connection.getresponse()
        except ssl.SSLCertVerificationError:
            connection.close()
            raise CameraError(
                f"{name}: its certificate is not trusted; name a file with its authority in SSL_CERT_FILE"
            ) from None
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
            raise CameraError(f"{name}: does not answer; check its address and that it is on") from None
        return cls(connection, response, name)

    def begin_picture(self) -> None:
        """Give the next picture its PICTURE_SECONDS."""
        self._deadline = time.monotonic() + PICTURE_SECONDS

    def read1(self, size: int, /) -> bytes:
        """Read what there is of the body, as `JpegSplitter` does.

        Args:
            size: at most so many bytes.

        Returns:
            The bytes; none at the end.

        Raises:
            CameraError: the camera is silent, or the picture takes too long.
        """
        if time.monotonic() > self._deadline:
            raise CameraError(f"{self._name}: no picture within {PICTURE_SECONDS:.0f} s; check its network")
        try:
            return self._response.read1(size)
        except (OSError, http.client.HTTPException, ValueError):
            raise CameraError(f"{self._name}: the connection was lost; check its network") from None

    def read(self, most: int, /) -> bytes:
        """Read the whole body.

        Args:
            most: largest size in bytes.

        Raises:
            CameraError: it is larger, incomplete or too slow.
        """
        self.is_read, length = True, self._response.length
        parts, size = [], 0
        while part := self.read1(min(1 << 16, most + 1 - size)):
            parts.append(part)
            size += len(part)
            if size > most:
                raise CameraError(f"{self._name}: a picture over {most >> 20} MB; have the camera write less")
        if length is not None and size < length:
            raise CameraError(f"{self._name}: a picture broke off; check its network")
        return b"".join(parts)

    def close(self) -> None:
        """Close the connection; called from another thread, it ends a waiting read."""
        sock = self._connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        # A response without a length has taken the socket from the connection.
        raw = getattr(getattr(self._response.fp, "raw", None), "_sock", None)
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def _target(address: Address) -> str:
    path = address.url().partition("://")[2].partition("/")[2].partition("#")[0]
    return f"/{path}"
