"""Publish the shown answer to an MQTT broker, and keep it there over broken connections."""

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
from edge_tosca.watch.home_assistant import box_of, discovery_messages

PASSWORD = "EDGE_TOSCA_MQTT_PASSWORD"
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_EXAMPLE = "write mqtt://user:password@host:1883/prefix"
_KEEPALIVE = 30
_LONGEST_WAIT = 30
_CONNECTING_SECONDS = 3.0
_ENDING_SECONDS = 3.0
_QUEUED = 20


@dataclass(frozen=True)
class Broker:
    """Where to publish.

    Attributes:
        host: of the broker.
        port: likewise.
        tls: talk to it encrypted, and have it prove its name.
        user: to log in as; None for nobody.
        password: of the user.
        prefix: of the topics.
        discovery: prefix that Home Assistant listens on; empty to publish nothing for it.
        ca: file of the authorities that vouch for the broker; None for the system's.
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
        """Understand a broker's address.

        Args:
            url: mqtt://user:password@host:port/prefix?discovery=homeassistant, or mqtts:// with ?ca=FILE. The
                password may stand in the environment variable EDGE_TOSCA_MQTT_PASSWORD instead.

        Returns:
            What it means; the prefix is edge-tosca/HOSTNAME unless named.

        Raises:
            EdgeToscaError: it is no such address.
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
                raise EdgeToscaError(f"--mqtt: {topic[:40]!r} cannot be a topic; leave out + and #")
        ca = options.get("ca")
        if ca is not None and not Path(ca).is_file():
            raise EdgeToscaError(f"--mqtt: ca={ca}: no such file; name the authorities' certificates")
        written = None if parts.password is None else unquote(parts.password)
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            user=None if parts.username is None else unquote(parts.username),
            password=written if written is not None else os.environ.get(PASSWORD),
            prefix=prefix,
            discovery=discovery,
            ca=ca,
        )


class Publisher:
    """Publishes the newest change under PREFIX/state, and under PREFIX/availability whether answers come.

    Both are retained, and published anew whenever the connection is made again: a broker that was started
    anew knows nothing. Nothing is queued but the newest.

    Args:
        broker: where.
        on_event: told, in one line and from the connection's thread, when it is lost and when it is back.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        EdgeToscaError: the authorities' file cannot be read.
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
        self._available = self._ending = False
        self._trouble: str | None = None
        # One name for a box: a connection made anew takes the old one's place, so that the old one's last
        # will is published before the new one says that it is there, not after.
        client = Client(CallbackAPIVersion.VERSION2, client_id=box_of(broker.prefix))
        client.will_set(self._availability, "offline", qos=1, retain=True)
        if broker.user is not None or broker.password is not None:
            client.username_pw_set(broker.user or "", broker.password)
        if broker.tls:
            try:
                client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
            except (OSError, ssl.SSLError) as error:
                raise EdgeToscaError(f"--mqtt: ca={broker.ca}: {error}; name a PEM file") from None
        client.reconnect_delay_set(1, _LONGEST_WAIT)
        client.max_queued_messages_set(_QUEUED)
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
            change: what is shown now.
        """
        # Nothing but ASCII: whatever a name holds arrives as an escape.
        text = json.dumps(change.to_json())
        with self._lock:
            self._newest = text
        if self._client.is_connected():
            self._client.publish(self._state, text, qos=1, retain=True)

    def available(self, available: bool) -> None:
        """Publish whether the camera gives answers.

        Args:
            available: it does.
        """
        with self._lock:
            news, self._available = self._available != available, available
        if news and self._client.is_connected():
            self._say_availability(available)

    def close(self) -> None:
        """Publish that nothing more will come, and end the connection."""
        self._ending = True
        if self._client.is_connected():
            # A broker that went away at this moment has the last will.
            said = self._say_availability(False)
            if said.rc == 0:
                said.wait_for_publish(_ENDING_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _say_availability(self, available: bool) -> Any:
        text = "online" if available else "offline"
        return self._client.publish(self._availability, text, qos=1, retain=True)

    def _connected(self, client: Any, _: object, flags: object, reason: Any, properties: object) -> None:
        if reason.is_failure:
            # Such as a wrong password: paho goes on trying, and the connection's end is no news then.
            self._tell(f"{self._where} refuses the connection ({reason}); check user and password")
            return
        from edge_tosca import __version__

        messages = {}
        if self._broker.discovery:
            messages = discovery_messages(self._broker.prefix, self._broker.discovery, __version__)
        with self._lock:
            newest, available, again = self._newest, self._available, self._trouble is not None
            self._trouble = None
        for topic, text in messages.items():
            client.publish(topic, text, qos=1, retain=True)
        if newest is not None:
            client.publish(self._state, newest, qos=1, retain=True)
        text = "online" if available else "offline"
        client.publish(self._availability, text, qos=1, retain=True)
        if again:
            self._on_event(f"{self._where}: connected again")

    def _failed(self, client: object, _: object) -> None:
        # paho does not say why: a certificate that nobody vouches for ends here, too.
        check = "its address and that it runs"
        if self._broker.tls:
            check = "its address, that it runs, and its certificate (?ca=FILE)"
        self._tell(f"{self._where} cannot be reached; check {check}; trying again")

    def _disconnected(
        self, client: object, _: object, flags: object, reason: Any, properties: object
    ) -> None:
        if self._ending or self._trouble is not None:
            return
        self._tell(f"{self._where}: the connection was lost ({reason}); trying again")

    def _tell(self, trouble: str) -> None:
        with self._lock:
            news, self._trouble = self._trouble != trouble, trouble
        if news and not self._ending:
            self._on_event(trouble)
