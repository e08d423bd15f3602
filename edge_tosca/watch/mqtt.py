"""Publish the shown answers to an MQTT broker, and again after a lost connection; take requests to look."""

import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.live.events import WHOLE, Change, Place
from edge_tosca.version import __version__
from edge_tosca.watch.broker import Broker
from edge_tosca.watch.home_assistant import device_name, discovery_messages, look_topic, state_topic
from edge_tosca.watch.instance import Instance
from edge_tosca.watch.outage import Cause, Event, Outage

_KEEPALIVE = 30
REPEAT_SECONDS = 1.5 * _KEEPALIVE + 5
"""Time after which a broker has published the last will of a connection that broke off unnoticed."""

_CONNECTING_SECONDS = 3.0
_CLOSING_SECONDS = 3.0
_MAX_QUEUED = 20
_MAX_PLACES = 64
_LONGEST_REQUEST = 200


class Publisher:
    """Publishes the newest change on PREFIX/state, and on PREFIX/availability whether there are answers.

    Both are retained, and published again after every new connection, since a restarted broker has lost them.
    Only the newest change is kept for publishing. A region with a name has PREFIX/CAMERA/REGION/state. A
    message on PREFIX/look asks for a look: CAMERA/REGION or REGION names what to look at, an empty one all.

    Args:
        broker: the broker and the topics.
        on_event: called in the connection's thread with one line when the connection is lost or restored.
        on_look: called in the connection's thread with the text of a request; None to take none.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        EdgeToscaError: another process on this host publishes to this broker under this prefix, or the file
            of certificate authorities cannot be read.
    """

    def __init__(
        self,
        broker: Broker,
        on_event: Callable[[str], None],
        on_look: Callable[[str], None] | None = None,
    ) -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingExtraError("paho-mqtt", "mqtt") from None
        self._broker = broker
        self._on_event = on_event
        self._where = f"mqtt broker {broker.name}"
        self._on_look = on_look
        self._availability = f"{broker.prefix}/availability"
        self._lock = threading.Lock()
        self._newest: dict[Place, str] = {}
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
        client.on_message = self._received
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
        place = change.place
        with self._lock:
            new = place not in self._newest
            if new and len(self._newest) >= _MAX_PLACES:
                return
            self._newest[place] = text
        if self._client.is_connected():
            if new:
                self._discover(self._client, [place])
            self._client.publish(state_topic(self._broker.prefix, place), text, qos=1, retain=True)

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
        with self._lock:
            newest, available = dict(self._newest), self._available
            # A process that was here before, and broke off with its network, may still be declared dead.
            self._repeat_at = time.monotonic() + REPEAT_SECONDS
        self._discover(client, list(newest) or [WHOLE])
        for place, text in newest.items():
            client.publish(state_topic(self._broker.prefix, place), text, qos=1, retain=True)
        if self._on_look is not None:
            client.subscribe(look_topic(self._broker.prefix), qos=1)
        text = "online" if available else "offline"
        client.publish(self._availability, text, qos=1, retain=True)
        self._report(self._outage.connected())

    def _discover(self, client: Any, places: Iterable[Place]) -> None:
        broker = self._broker
        if not broker.discovery:
            return
        for place in places:
            messages = discovery_messages(
                broker.prefix, broker.discovery, __version__, place, look=self._on_look is not None
            )
            for topic, text in messages.items():
                client.publish(topic, text, qos=1, retain=True)

    def _received(self, client: Any, _: object, message: Any) -> None:
        # A retained request would be repeated at every connection.
        if self._on_look is not None and not message.retain and len(message.payload) <= _LONGEST_REQUEST:
            self._on_look(message.payload.decode(errors="replace").strip())

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
