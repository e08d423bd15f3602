"""The transport over MQTT 5: retained messages, a last will for each connection, and message expiry."""

import secrets
import ssl
import time
from collections.abc import Callable
from typing import Any

from edge_tosca.errors import FleetError, MissingExtraError
from edge_tosca.packs.fleet.broker_address import BrokerAddress
from edge_tosca.packs.fleet.topics import MAX_LARGE
from edge_tosca.packs.fleet.transport import Delivery

_KEEPALIVE = 120
"""Seconds; solving a router of many classes on a small box takes some."""

_CONNECTING_SECONDS = 5.0
_LONGEST_WAIT = 30.0


class MqttTransport:
    """A connection that is made again whenever it breaks off; see `Transport`.

    All of it happens in `poll` and `publish`, in the thread that calls them.

    Args:
        broker: its address.
        will: returns the last will of the next connection.
        on_event: called with one line when the connection is lost or cannot be made.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        FleetError: a certificate cannot be read.
    """

    def __init__(
        self,
        broker: BrokerAddress,
        will: Callable[[], Delivery] | None = None,
        on_event: Callable[[str], None] = lambda line: None,
    ) -> None:
        try:
            from paho.mqtt.client import Client, MQTTv5
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingExtraError("paho-mqtt", "fleet") from None
        self.sessions, self.connected = 0, False
        self._broker, self._will, self._on_event = broker, will, on_event
        self._queue: list[Delivery] = []
        self._wait, self._again_at, self._event = 0.0, 0.0, ""
        self._refused, self._closing = "", False
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"edge-tosca-{secrets.token_hex(6)}", protocol=MQTTv5
        )
        if broker.user is not None or broker.password is not None:
            client.username_pw_set(broker.user or "", broker.password)
        if broker.tls:
            try:
                context = ssl.create_default_context(cafile=broker.ca)
                if broker.cert is not None:
                    context.load_cert_chain(broker.cert, broker.key)
                client.tls_set_context(context)
            except (OSError, ssl.SSLError) as error:
                raise FleetError(
                    f"{broker.name}: a certificate cannot be read ({error}); name PEM files"
                ) from None
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(20)
        client.connect_timeout = _CONNECTING_SECONDS
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_message = self._on_message
        self._client = client

    def publish(self, topic: str, payload: bytes, expiry: int | None = None) -> None:
        """Publish a retained message with QoS 1; an empty one clears the topic."""
        if self.connected:
            self._client.publish(topic, payload, qos=1, retain=True, properties=_expiring(expiry))

    def subscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for topics with QoS 1."""
        if self.connected and filters:
            self._client.subscribe([(one, 1) for one in filters])

    def unsubscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for topics no longer."""
        if self.connected and filters:
            self._client.unsubscribe(list(filters))

    def poll(self, seconds: float) -> list[Delivery]:
        """Return what arrived; connect first if there is no connection.

        Raises:
            FleetError: the broker takes no retained messages.
        """
        end = time.monotonic() + seconds
        while not self._queue:
            left = end - time.monotonic()
            if not self._client.is_connected() and self._client.socket() is None:
                self._connect(max(left, 0.0))
            if self._client.loop(min(max(left, 0.01), 1.0)) != 0:
                time.sleep(min(max(end - time.monotonic(), 0.0), 0.05))
            if self._refused:
                raise FleetError(self._refused)
            if time.monotonic() >= end:
                break
        # All that is here at once.
        while self._queue and len(self._queue) < 1000:
            before = len(self._queue)
            self._client.loop(0.0)
            if len(self._queue) == before:
                break
        found, self._queue = self._queue, []
        return found

    def close(self) -> None:
        """Send what waits, and disconnect in good order."""
        end = time.monotonic() + 3
        while self.connected and self._client.want_write() and time.monotonic() < end:
            self._client.loop(0.05)
        self._closing = True
        self._client.disconnect()
        self._client.loop(0.05)
        self.connected = False

    def _connect(self, seconds: float) -> None:
        """Connect if it is time to, or wait."""
        left = self._again_at - time.monotonic()
        if left > 0:
            time.sleep(min(left, seconds))
            return
        # Until it is confirmed: a broker that refuses is not asked again at once.
        self._wait = min(max(2 * self._wait, 0.5), _LONGEST_WAIT)
        self._again_at = time.monotonic() + self._wait * (0.5 + secrets.randbelow(100) / 100)
        if self._will is not None:
            will = self._will()
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        try:
            self._client.connect(self._broker.host, self._broker.port, _KEEPALIVE, clean_start=True)
        except (OSError, ValueError) as error:
            self._say(f"cannot be reached ({error}); check its address and that it runs; trying again")

    def _on_connect(self, client: Any, _: object, flags: object, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._say(f"refuses the connection ({reason}); check user, password and certificate")
            return
        if getattr(properties, "RetainAvailable", 1) == 0:
            self._refused = (
                f"mqtt broker {self._broker.name} keeps no retained messages, which a fleet needs; turn "
                "them on (in Mosquitto: retain_available true), or name another broker"
            )
            return
        largest = getattr(properties, "MaximumPacketSize", None)
        if largest is not None and largest < MAX_LARGE:
            self._say(f"takes messages of {largest} bytes; lessons may have {MAX_LARGE}: raise its limit")
        self._wait, self._again_at, self._event = 0.0, 0.0, ""
        self.connected, self.sessions = True, self.sessions + 1

    def _on_disconnect(self, client: Any, _: object, flags: object, reason: Any, properties: object) -> None:
        if self.connected and not self._closing:
            self._say(f"the connection was lost ({reason}); trying again")
        self.connected = False

    def _on_message(self, client: Any, _: object, message: Any) -> None:
        self._queue.append(Delivery(message.topic, bytes(message.payload)))

    def _say(self, event: str) -> None:
        if event != self._event:
            self._event = event
            self._on_event(f"mqtt broker {self._broker.name}: {event}")


def _expiring(seconds: int | None) -> Any:
    from paho.mqtt import properties as of_mqtt
    from paho.mqtt.packettypes import PacketTypes

    if seconds is None:
        return None
    make: Any = of_mqtt.Properties
    properties = make(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = seconds
    return properties
