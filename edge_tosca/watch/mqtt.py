"""Publish the shown answer to an MQTT broker, and again after a lost connection."""

import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.watch.broker import Broker
from edge_tosca.watch.change import Change
from edge_tosca.watch.home_assistant import device_name, discovery_messages
from edge_tosca.watch.instance import Instance
from edge_tosca.watch.outage import Cause, Event, Outage

_KEEPALIVE = 30
REPEAT_SECONDS = 1.5 * _KEEPALIVE + 5
"""Time after which a broker has published the last will of a connection that broke off unnoticed."""

_CONNECTING_SECONDS = 3.0
_CLOSING_SECONDS = 3.0
_MAX_QUEUED = 20


class Publisher:
    """Publishes the newest change on PREFIX/state, and on PREFIX/availability whether there are answers.

    Both are retained, and published again after every new connection, since a restarted broker has lost them.
    Only the newest change is kept for publishing.

    Args:
        broker: the broker and the topics.
        on_event: called in the connection's thread with one line when the connection is lost or restored.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        EdgeToscaError: another process on this host publishes to this broker under this prefix, or the file
            of certificate authorities cannot be read.
    """

    def __init__(self, broker: Broker, on_event: Callable[[str], None]) -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingExtraError("paho-mqtt", "mqtt") from None
        self._broker = broker
        self._on_event = on_event
        self._where = f"mqtt broker {broker.name}"
        self._state = f"{broker.prefix}/state"
        self._availability = f"{broker.prefix}/availability"
        self._lock = threading.Lock()
        self._newest: str | None = None
        self._available = self._closing = self._refused = False
        self._repeat_at: float | None = None
        self._outage = Outage()
        client = Client(CallbackAPIVersion.VERSION2, client_id=_client_id(broker.prefix))
        client.will_set(self._availability, "offline", qos=1, retain=True)
        if broker.user is not None or broker.password is not None:
            client.username_pw_set(broker.user or "", broker.password)
        if broker.tls:
            try:
                client.tls_set_context(ssl.create_default_context(cafile=broker.ca))
            except (OSError, ssl.SSLError) as error:
                raise EdgeToscaError(f"--mqtt: ca={broker.ca}: {error}; name a PEM file") from None
        client.max_queued_messages_set(_MAX_QUEUED)
        client.connect_timeout = _CONNECTING_SECONDS
        client.on_connect = self._connected
        client.on_connect_fail = self._failed
        client.on_disconnect = self._disconnected
        self._instance = Instance(broker)
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
        """Publish whether the camera gives answers; called again and again.

        Args:
            available: whether it does.
        """
        with self._lock:
            due = self._repeat_at is not None and time.monotonic() >= self._repeat_at
            if due:
                self._repeat_at = None
            publish, self._available = due or self._available != available, available
        if publish and self._client.is_connected():
            self._publish_availability(available)
        self._report(self._outage.check())

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
        self._instance.close()

    def _publish_availability(self, available: bool) -> Any:
        text = "online" if available else "offline"
        return self._client.publish(self._availability, text, qos=1, retain=True)

    def _connected(self, client: Any, _: object, flags: object, reason: Any, properties: object) -> None:
        self._refused = reason.is_failure
        if reason.is_failure:
            # For example a wrong password: paho tries again, and the disconnection that follows is no news.
            self._wait_and_report(client, "refused", str(reason))
            return
        from edge_tosca import __version__

        messages = {}
        if self._broker.discovery:
            messages = discovery_messages(self._broker.prefix, self._broker.discovery, __version__)
        with self._lock:
            newest, available = self._newest, self._available
            # A process that was here before, and broke off with its network, may still be declared dead.
            self._repeat_at = time.monotonic() + REPEAT_SECONDS
        for topic, text in messages.items():
            client.publish(topic, text, qos=1, retain=True)
        if newest is not None:
            client.publish(self._state, newest, qos=1, retain=True)
        text = "online" if available else "offline"
        client.publish(self._availability, text, qos=1, retain=True)
        self._report(self._outage.connected())

    def _failed(self, client: Any, _: object) -> None:
        # paho gives no reason: an untrusted certificate ends here, too.
        self._wait_and_report(client, "lost")

    def _disconnected(self, client: Any, _: object, flags: object, reason: Any, properties: object) -> None:
        if not self._refused:
            self._wait_and_report(client, "lost", str(reason))

    def _wait_and_report(self, client: Any, cause: Cause, reason: str = "") -> None:
        event = self._outage.failed(cause)
        wait = self._outage.wait()
        # paho's own delay has no element of chance, and starts again with every connection.
        client.reconnect_delay_set(wait, wait)
        self._report(event, reason)

    def _report(self, event: Event | None, reason: str = "") -> None:
        if event is None or self._closing:
            return
        because = f" ({reason})" if reason else ""
        check = "its address, that it runs, and its certificate (?ca=FILE)"
        unreachable = (
            f" cannot be reached; check {check if self._broker.tls else 'its address and that it runs'}"
        )
        text = {
            "lost": f"{f': the connection was lost{because}' if reason else unreachable}; trying again",
            "refused": f" refuses the connection{because}; check user and password",
            "unstable": f": the connection does not last{because}; check the broker's log; trying again",
            "restored": ": connected again",
        }
        self._on_event(f"{self._where}{text[event]}")


def _client_id(prefix: str) -> str:
    """Return an id of this connection alone, in the 23 characters that every broker takes."""
    return f"{device_name(prefix)[:-6]}{secrets.token_hex(3)}"
