"""A transport that counts what a box sends and gets."""

from collections import Counter
from dataclasses import dataclass, field

from edge_tosca.packs.fleet.transport import Delivery, Transport


@dataclass
class Traffic:
    """Messages and bytes by kind of topic; bytes are those of topic and content, without MQTT's own dozen.

    Attributes:
        sent: messages that a box published.
        sent_bytes: their bytes.
        came: messages that were delivered to it.
        came_bytes: their bytes.
    """

    sent: Counter[str] = field(default_factory=Counter)
    sent_bytes: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)
    came_bytes: Counter[str] = field(default_factory=Counter)

    def send(self, topic: str, payload: bytes) -> None:
        """Count a message that is published."""
        self.sent[kind_of(topic)] += 1
        self.sent_bytes[kind_of(topic)] += len(topic) + len(payload)

    def get(self, delivery: Delivery) -> None:
        """Count a message that was delivered."""
        self.came[kind_of(delivery.topic)] += 1
        self.came_bytes[kind_of(delivery.topic)] += len(delivery.topic) + len(delivery.payload)

    def since(self, before: "Traffic") -> "Traffic":
        """Return what was counted since a copy was made."""
        return Traffic(
            self.sent - before.sent,
            self.sent_bytes - before.sent_bytes,
            self.came - before.came,
            self.came_bytes - before.came_bytes,
        )

    def copy(self) -> "Traffic":
        """Return the present counts."""
        return Traffic().plus(self)

    def plus(self, other: "Traffic") -> "Traffic":
        """Return the sum of two counts."""
        return Traffic(
            self.sent + other.sent,
            self.sent_bytes + other.sent_bytes,
            self.came + other.came,
            self.came_bytes + other.came_bytes,
        )


class CountingTransport:
    """A transport whose messages are counted; see `Transport`.

    Args:
        inner: the transport.
        traffic: to add to.
    """

    def __init__(self, inner: Transport, traffic: Traffic) -> None:
        self.inner, self.traffic = inner, traffic

    @property
    def sessions(self) -> int:
        """Times that the connection was made."""
        return self.inner.sessions

    @property
    def connected(self) -> bool:
        """Whether it stands."""
        return self.inner.connected

    def publish(self, topic: str, payload: bytes, expiry: int | None = None) -> None:
        """Count and publish, if connected."""
        if self.connected:
            self.traffic.send(topic, payload)
        self.inner.publish(topic, payload, expiry)

    def subscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for topics."""
        self.inner.subscribe(filters)

    def unsubscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for topics no longer."""
        self.inner.unsubscribe(filters)

    def poll(self, seconds: float) -> list[Delivery]:
        """Return and count what arrived."""
        found = self.inner.poll(seconds)
        for one in found:
            self.traffic.get(one)
        return found

    def close(self) -> None:
        """Disconnect."""
        self.inner.close()


def kind_of(topic: str) -> str:
    """Return the kind of a topic: roster, hello, have, blob, add, del or cmd."""
    parts = topic.split("/")[3:]
    if parts[0] == "box":
        return parts[-1]
    return parts[2] if parts[0] == "set" and len(parts) > 2 else parts[0]
