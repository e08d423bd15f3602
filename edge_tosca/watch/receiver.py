"""The address of a webhook's receiver, the secret that both sides know, and the signature of a message."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from edge_tosca.addresses import PERCENT_CODES, Address, redacted
from edge_tosca.errors import EdgeToscaError
from edge_tosca.system.files import is_exposed

LEAST_SECRET = 16
"""Characters of a secret; 32 random bytes in hexadecimal are 64."""

_MOST_SECRET = 1 << 12
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Receiver:
    """Where events are sent.

    Attributes:
        name: for messages, without anything secret.
        host: host name or address.
        port: TCP port.
        tls: whether to connect by TLS and verify the certificate.
        target: path and query, percent-encoded.
        authorization: value of the header Authorization; None without a user in the address.
        secret: key of the signatures.
    """

    name: str
    host: str = field(repr=False)
    port: int
    tls: bool
    target: str = field(repr=False)
    authorization: str | None = field(repr=False)
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, url: str, secret: bytes) -> Self:
        """Parse a receiver's address.

        Args:
            url: https://host/path, or http://; user and password are sent as Basic authentication.
            secret: of `read_secret`.

        Returns:
            The receiver.

        Raises:
            EdgeToscaError: the address is invalid.
        """
        example = f"write https://host/path, and in user and password {PERCENT_CODES}"
        try:
            address = Address.parse(url)
        except ValueError as error:
            raise EdgeToscaError(f"--webhook: the receiver's address {error}; {example}") from None
        if address.scheme not in _PORTS:
            raise EdgeToscaError(f"--webhook: {address.scheme}:// is no address of a receiver; {example}")
        parts = urlsplit(address.url())
        authorization = None
        if address.user is not None:
            login = f"{address.user}:{address.password or ''}".encode(errors="surrogateescape")
            authorization = f"Basic {base64.b64encode(login).decode()}"
        return cls(
            name=redacted(url),
            host=address.host,
            port=address.port or _PORTS[address.scheme],
            tls=address.scheme == "https",
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
            authorization=authorization,
            secret=secret,
        )


def read_secret(path: Path) -> bytes:
    """Read the secret that receiver and box share.

    Args:
        path: of a file with one line that other users cannot read.

    Returns:
        The secret, without white space around it.

    Raises:
        EdgeToscaError: the file cannot be read, others can read it, or its secret is too short.
    """
    option = "--webhook-secret-file"
    try:
        with path.open("rb") as file:
            if is_exposed(path, os.fstat(file.fileno())):
                raise EdgeToscaError(
                    f"{path}: the secret can be read by other users; keep it to yourself with: "
                    f"chmod 600 {path}"
                )
            content = file.read(_MOST_SECRET + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EdgeToscaError(f"{path}: cannot be read ({reason}); name another with {option}") from None
    secret = content.strip()
    if not LEAST_SECRET <= len(secret) <= _MOST_SECRET:
        raise EdgeToscaError(
            f"{path}: a secret has {LEAST_SECRET} to {_MOST_SECRET} characters; make one with: openssl rand "
            f"-hex 32 > {path}"
        )
    return secret


def signature(secret: bytes, time: str, body: bytes) -> str:
    """Sign a message: HMAC-SHA256 (RFC 2104) of its time, a full stop, and its body.

    Args:
        secret: of both sides.
        time: seconds since 1970 as a decimal number, as in the message's header.
        body: of the message.

    Returns:
        "sha256=" and 64 hexadecimal digits.
    """
    return f"sha256={hmac.new(secret, time.encode() + b'.' + body, hashlib.sha256).hexdigest()}"
