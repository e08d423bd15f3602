"""Publish the shown answer to an MQTT broker, and again after a lost connection."""

import json
import os
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.watch.change import Change
from edge_tosca.watch.home_assistant import device_name, discovery_messages

PASSWORD = "EDGE_TOSCA_MQTT_PASSWORD"
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_EXAMPLE = "write mqtt://user:password@host:1883/prefix"
_KEEPALIVE = 30
_MAX_RECONNECT_SECONDS = 30
_CONNECTING_SECONDS = 3.0
_CLOSING_SECONDS = 3.0
_MAX_QUEUED = 20


@dataclass(frozen=True)
class Broker:
    """A broker, and the topics to publish on.

    Attributes:
        host: host name or address of the broker.
        port: TCP port of the broker.
        tls: whether to connect by TLS and verify the broker's certificate.
        user: user name; None for none.
        password: of the user; None for none.
        prefix: of the topics.
        discovery: prefix that Home Assistant listens on; empty to publish no discovery messages.
        ca: PEM file of the certificate authorities for the broker; None for the system's.
    """

    host: str
    port: int
    tls: bool
    user: str | None
    password: str | None = field(repr=False)
    prefix: str
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
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise EdgeToscaError(f"--mqtt: the broker's address cannot be read; {_EXAMPLE}") from None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise EdgeToscaError(f"--mqtt: no address of a broker; {_EXAMPLE}, or mqtts://")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        for name in options.keys() - {"discovery", "ca"}:
            raise EdgeToscaError(f"--mqtt: no option {name!r}; there are discovery and ca")
        prefix = unquote(parts.path).strip("/") or f"edge-tosca/{socket.gethostname()}"
        discovery = options.get("discovery", "homeassistant").strip("/")
        for topic in (prefix, discovery):
            if (
                any(character in "+#" or not character.isprintable() for character in topic)
                or len(topic) > 200
            ):
                raise EdgeToscaError(f"--mqtt: {topic[:40]!r} cannot be a topic; omit + and #")
        ca = options.get("ca")
        if ca is not None and not Path(ca).is_file():
            raise EdgeToscaError(f"--mqtt: ca={ca}: no such file; name the authorities' certificates")
        in_url = None if parts.password is None else unquote(parts.password)
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            user=None if parts.username is None else unquote(parts.username),
            password=in_url if in_url is not None else os.environ.get(PASSWORD),
            prefix=prefix,
            discovery=discovery,
            ca=ca,
        )


class Publisher:
    """Publishes the newest change on PREFIX/state, and on PREFIX/availability whether there are answers.

    Both are retained, and published again after every new connection, since a restarted broker has lost them.
    Only the newest change is kept for publishing.

    Args:
        broker: the broker and the topics.
        on_event: called in the connection's thread with one line when the connection is lost or restored.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        EdgeToscaError: the file of certificate authorities cannot be read.
    """

    def __init__(self, broker: Broker, on_event: Callable[[str], None]) -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingExtraError("paho-mqtt", "mqtt") from None
        self._broker = broker
        self._on_event = on_event
        self._where = f"mqtt broker {broker.host}:{broker.port}"
        self._state = f"{broker.prefix}/state"
        self._availability = f"{broker.prefix}/availability"
        self._lock = threading.Lock()
        self._newest: str | None = None
        self._available = self._closing = False
        self._error: str | None = None
        # One client id for a device: a new connection replaces the old one, whose last will is then published
        # before the new one publishes that it is available, not after.
        client = Client(CallbackAPIVersion.VERSION2, client_id=device_name(broker.prefix))
        client.will_set(self._availability, "offline", qos=1, retain=True)
        if broker.user is not None or broker.password is not None:
            client.username_pw_set(broker.user or "", broker.password)
        if broker.tls:
            try:
                client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
            except (OSError, ssl.SSLError) as error:
                raise EdgeToscaError(f"--mqtt: ca={broker.ca}: {error}; name a PEM file") from None
        client.reconnect_delay_set(1, _MAX_RECONNECT_SECONDS)
        client.max_queued_messages_set(_MAX_QUEUED)
        client.connect_timeout = _CONNECTING_SECONDS
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        client.connect_async(broker.host, broker.port, _KEEPALIVE)
        client.loop_start()
        self._client = client

    def change(self, change: Change) -> None:
        """Publish a change, now or when the broker can be reached again.

        Args:
            change: the new shown answer.
        """
        # ASCII only: other characters of a name are escapes.
        text = json.dumps(change.to_json())
        with self._lock:
            self._newest = text
        if self._client.is_connected():
            self._client.publish(self._state, text, qos=1, retain=True)

    def available(self, available: bool) -> None:
        """Publish whether the camera gives answers.

        Args:
            available: whether it does.
        """
        with self._lock:
            changed, self._available = self._available != available, available
        if changed and self._client.is_connected():
            self._publish_availability(available)

    def close(self) -> None:
        """Publish that there are no more answers, and disconnect."""
        self._closing = True
        if self._client.is_connected():
            # If the broker is gone at this moment, it has the last will.
            message = self._publish_availability(False)
            if message.rc == 0:
                message.wait_for_publish(_CLOSING_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_availability(self, available: bool) -> Any:
        text = "online" if available else "offline"
        return self._client.publish(self._availability, text, qos=1, retain=True)

    def _connected(self, client: Any, _: object, flags: object, reason: Any, properties: object) -> None:
        if reason.is_failure:
            # For example a wrong password: paho tries again, and the disconnection that follows is no news.
            self._report(f"{self._where} refuses the connection ({reason}); check user and password")
            return
        from edge_tosca import __version__

        messages = {}
        if self._broker.discovery:
            messages = discovery_messages(self._broker.prefix, self._broker.discovery, __version__)
        with self._lock:
            newest, available, restored = self._newest, self._available, self._error is not None
            self._error = None
        for topic, text in messages.items():
            client.publish(topic, text, qos=1, retain=True)
        if newest is not None:
            client.publish(self._state, newest, qos=1, retain=True)
        text = "online" if available else "offline"
        client.publish(self._availability, text, qos=1, retain=True)
        if restored:
            self._on_event(f"{self._where}: connected again")

    def _failed(self, client: object, _: object) -> None:
        # paho gives no reason: an untrusted certificate ends here, too.
        check = "its address and that it runs"
        if self._broker.tls:
            check = "its address, that it runs, and its certificate (?ca=FILE)"
        self._report(f"{self._where} cannot be reached; check {check}; trying again")

    def _disconnected(
        self, client: object, _: object, flags: object, reason: Any, properties: object
    ) -> None:
        if self._closing or self._error is not None:
            return
        self._report(f"{self._where}: the connection was lost ({reason}); trying again")

    def _report(self, error: str) -> None:
        with self._lock:
            new, self._error = self._error != error, error
        if new and not self._closing:
            self._on_event(error)
