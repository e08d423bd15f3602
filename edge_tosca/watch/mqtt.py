"""Publish the shown answer to an MQTT broker, and again after a lost connection."""

import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.live import Place
from edge_tosca.live.place import DEFAULT
from edge_tosca.watch.broker import Broker
from edge_tosca.watch.change import Change
from edge_tosca.watch.home_assistant import (
    availability_topic,
    device_name,
    discovery_messages,
    look_topic,
    state_topic,
)
from edge_tosca.watch.instance import Instance
from edge_tosca.watch.outage import Cause, Event, Outage

_KEEPALIVE = 30
REPEAT_SECONDS = 1.5 * _KEEPALIVE + 5
"""Time after which a broker has published the last will of a connection that broke off unnoticed."""

_CONNECTING_SECONDS = 3.0
_CLOSING_SECONDS = 3.0
_MAX_QUEUED = 400
_LONGEST_REQUEST = 200


class Publisher:
    """Publishes the newest change of each region, and whether there are answers.

    The whole frame of the camera "main" is published on PREFIX/state, any other region on
    PREFIX/CAMERA/REGION/state; PREFIX/availability says whether any region has answers. All are retained, and
    published again after every new connection, since a restarted broker has lost them. Only the newest
    change of a region is kept for publishing. What is retained of a region is erased when it is removed.

    Args:
        broker: the broker and the topics.
        on_event: called in the connection's thread with one line when the connection is lost or restored.
        places: the regions that there are at first; `available` brings them up to date.
        on_look: called in the connection's thread when a message on PREFIX/look asks for a look, with its
            text: CAMERA/REGION, or empty for all regions. None to take no such messages.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        EdgeToscaError: another process on this host publishes to this broker under this prefix, or the file
            of certificate authorities cannot be read.

    Attributes:
        skipped: number of changes that were never published, because newer ones came while the broker could
            not be reached.
    """

    def __init__(
        self,
        broker: Broker,
        on_event: Callable[[str], None],
        places: Sequence[Place] = (DEFAULT,),
        on_look: Callable[[str], None] | None = None,
    ) -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise MissingExtraError("paho-mqtt", "mqtt") from None
        self._broker = broker
        self._on_event, self._on_look = on_event, on_look
        self._where = f"mqtt broker {broker.name}"
        self._availability_topic = f"{broker.prefix}/availability"
        self._lock = threading.Lock()
        self._newest: dict[Place, str] = {}
        self._unpublished: set[Place] = set()
        self.skipped = self._reported = 0
        self._available: dict[Place, bool] = dict.fromkeys(places, False)
        self._sent: dict[Place, bool] = {}
        self._retained: set[Place] = set(places)
        self._closing = self._refused = False
        self._repeat_at: float | None = None
        self._outage = Outage()
        client = Client(CallbackAPIVersion.VERSION2, client_id=_client_id(broker.prefix))
        client.will_set(self._availability_topic, "offline", qos=1, retain=True)
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
        with self._lock:
            self._newest[change.place] = text
            self._retained.add(change.place)
            connected = self._client.is_connected()
            if not connected:
                self.skipped += change.place in self._unpublished
                self._unpublished.add(change.place)
        if connected:
            self._publish(self._client, {state_topic(self._broker.prefix, change.place): text})

    def available(self, available: Mapping[Place, bool]) -> None:
        """Publish which regions have answers; called again and again.

        Args:
            available: whether each region has.
        """
        with self._lock:
            due = self._repeat_at is not None and time.monotonic() >= self._repeat_at
            if due:
                self._repeat_at = None
            # None at all: the live loop has not read the regions yet.
            self._available = dict(available) or self._available
            self._newest = {place: text for place, text in self._newest.items() if place in self._available}
            found = {}
            # The connection may be opened at this moment by the other thread.
            if self._client.is_connected() and (due or self._sent != self._available):
                found = {**self._regions_changed(), **self._availability()}
                self._sent = dict(self._available)
                self._retained = set(self._available)
        self._publish(self._client, found)
        self._report(self._outage.check())

    def close(self) -> None:
        """Publish that there are no more answers, and disconnect."""
        self._closing = True
        if self._client.is_connected():
            # If the broker is gone at this moment, it has the last will.
            message = self._client.publish(self._availability_topic, "offline", qos=1, retain=True)
            if message.rc == 0:
                message.wait_for_publish(_CLOSING_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()
        self._instance.close()

    def _availability(self) -> dict[str, str]:
        """Return what is published on the availability topics."""
        prefix, found = self._broker.prefix, self._available
        own = {} if list(found) == [DEFAULT] else found
        return {
            **{availability_topic(prefix, place): _word(has) for place, has in own.items()},
            self._availability_topic: _word(any(found.values())),
        }

    def _discovery(self) -> dict[str, str]:
        from edge_tosca import __version__

        broker = self._broker
        if not broker.discovery:
            return {}
        return discovery_messages(
            broker.prefix,
            broker.discovery,
            __version__,
            tuple(self._available),
            look=self._on_look is not None,
        )

    def _regions_changed(self) -> dict[str, str]:
        """Return the discovery messages, and empty ones that erase what is retained of removed regions."""
        if self._sent.keys() == self._available.keys():
            return {}
        prefix, discovery = self._broker.prefix, self._broker.discovery
        gone = sorted(self._retained - self._available.keys())
        topics = [topic(prefix, place) for place in gone for topic in (state_topic, availability_topic)]
        if discovery:
            topics += discovery_messages(prefix, discovery, "", gone, look=self._on_look is not None)
        return {**dict.fromkeys(topics, ""), **self._discovery()}

    @staticmethod
    def _publish(client: Any, messages: Mapping[str, str]) -> None:
        for topic, text in messages.items():
            client.publish(topic, text, qos=1, retain=True)

    def _connected(self, client: Any, _: object, flags: object, reason: Any, properties: object) -> None:
        self._refused = reason.is_failure
        if reason.is_failure:
            # For example a wrong password: paho tries again, and the disconnection that follows is no news.
            self._wait_and_report(client, "refused", str(reason))
            return
        prefix = self._broker.prefix
        with self._lock:
            states = {state_topic(prefix, place): text for place, text in self._newest.items()}
            messages = {**self._discovery(), **states, **self._availability()}
            self._sent = dict(self._available)
            self._retained |= self._available.keys()
            self._unpublished = set()
            skipped, self._reported = self.skipped - self._reported, self.skipped
            # A process that was here before, and broke off with its network, may still be declared dead.
            self._repeat_at = time.monotonic() + REPEAT_SECONDS
        self._publish(client, messages)
        if self._on_look is not None:
            client.subscribe(look_topic(prefix), qos=1)
        self._report(self._outage.connected())
        if skipped:
            self._on_event(f"{self._where}: {skipped} changes of that time were never published")

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


def _word(available: bool) -> str:
    return "online" if available else "offline"


def _client_id(prefix: str) -> str:
    """Return an id of this connection alone, in the 23 characters that every broker takes."""
    return f"{device_name(prefix)[:-6]}{secrets.token_hex(3)}"
