"""The address of an MQTT broker, and what follows from it."""

import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote

from edge_tosca.addresses import HIDDEN, PERCENT_CODES, Address, redacted
from edge_tosca.errors import EdgeToscaError

PASSWORD = "EDGE_TOSCA_MQTT_PASSWORD"
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_EXAMPLE = f"write mqtt://user:password@host:1883/prefix, and in user and password {PERCENT_CODES}"
_LONGEST_TOPIC = 200


@dataclass(frozen=True)
class Broker:
    """A broker, and the topics to publish on.

    Attributes:
        name: for messages, without anything secret.
        host: host name or address of the broker.
        port: TCP port of the broker.
        tls: whether to connect by TLS and verify the broker's certificate.
        user: user name; None for none.
        password: of the user; None for none.
        prefix: of the topics.
        discovery: prefix that Home Assistant listens on; empty to publish no discovery messages.
        ca: PEM file of the certificate authorities for the broker; None for the system's.
    """

    name: str
    host: str = field(repr=False)
    port: int
    tls: bool
    user: str | None = field(repr=False)
    password: str | None = field(repr=False)
    prefix: str = field(repr=False)
    discovery: str
    ca: str | None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a broker's address.

        Args:
            url: mqtt://user:password@host:port/prefix?discovery=homeassistant, or mqtts:// with ?ca=FILE. The
                password can be in the environment variable EDGE_TOSCA_MQTT_PASSWORD instead.

        Returns:
            The broker; its prefix is edge-tosca/HOSTNAME by default.

        Raises:
            EdgeToscaError: the address is invalid.
        """
        try:
            address = Address.parse(url)
        except ValueError as error:
            raise EdgeToscaError(f"--mqtt: the broker's address {error}; {_EXAMPLE}") from None
        if address.scheme not in _PORTS:
            raise EdgeToscaError(
                f"--mqtt: {address.scheme}:// is no address of a broker; {_EXAMPLE}, or mqtts://"
            )
        path, _, query = address.rest.partition("#")[0].partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        if options.keys() - {"discovery", "ca"}:
            raise EdgeToscaError("--mqtt: after ? there is an unknown option; there are discovery and ca")
        prefix = unquote(path).strip("/") or f"edge-tosca/{socket.gethostname()}"
        discovery = options.get("discovery", "homeassistant").strip("/")
        for what, topic in (("prefix", prefix), ("discovery prefix", discovery)):
            if not _is_topic(topic):
                raise EdgeToscaError(
                    f"--mqtt: the {what} cannot be a topic; omit +, # and control characters, and write at "
                    f"most {_LONGEST_TOPIC} characters"
                )
        ca = options.get("ca")
        if ca is not None and not _is_file(ca):
            raise EdgeToscaError(f"--mqtt: ca={ca[:200]}: no such file; name the authorities' certificates")
        password = os.environ.get(PASSWORD) if address.password is None else address.password
        if not all(_is_text(word) for word in (address.user, password)):
            raise EdgeToscaError(f"--mqtt: user or password are not UTF-8; {_EXAMPLE}")
        port = address.port or _PORTS[address.scheme]
        shown = redacted(url)
        return cls(
            name=shown if shown.endswith(f"://{HIDDEN}") else f"{address.host}:{port}",
            host=address.host,
            port=port,
            tls=address.scheme == "mqtts",
            user=address.user,
            password=password,
            prefix=prefix,
            discovery=discovery,
            ca=ca,
        )


def _is_topic(topic: str) -> bool:
    legal = all(character not in "+#" and character.isprintable() for character in topic)
    return legal and len(topic) <= _LONGEST_TOPIC


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        return False


def _is_text(word: str | None) -> bool:
    try:
        (word or "").encode()
    except UnicodeEncodeError:
        return False
    return True
