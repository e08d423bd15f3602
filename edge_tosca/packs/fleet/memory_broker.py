"""A broker in memory, with the faults of real lines: messages are repeated, reordered and lost."""

import random
from dataclasses import dataclass, field

from edge_tosca.packs.fleet.transport import Delivery, matches


@dataclass
class MemoryBroker:
    """Retained messages by topic, and the clients that are connected.

    Attributes:
        retained: topic to content.
        repeats: share of deliveries that arrive twice, 0 to 1.
        shuffles: whether the deliveries of one poll arrive in any order.
        up: whether clients can connect.
        delivered: bytes of all deliveries.
    """

    repeats: float = 0.0
    shuffles: bool = False
    seed: int = 0
    retained: dict[str, bytes] = field(default_factory=dict)
    up: bool = True
    delivered: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.clients: list[MemoryTransport] = []

    def client(self, will: Delivery | None = None) -> "MemoryTransport":
        """Return a new connected client.

        Args:
            will: what is published when its connection breaks off.
        """
        made = MemoryTransport(self, will)
        self.clients.append(made)
        return made

    def publish(self, topic: str, payload: bytes) -> None:
        """Retain a message and deliver it."""
        if payload:
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)
        for client in self.clients:
            if client.connected and any(matches(topic, one) for one in client.filters):
                client.queue.append(Delivery(topic, payload))

    def lose_everything(self) -> None:
        """Forget all retained messages and break all connections, as a broker without a disk does."""
        self.retained.clear()
        for client in self.clients:
            client.break_off(silent=True)


class MemoryTransport:
    """A client of a `MemoryBroker`; see `Transport`.

    Args:
        broker: to connect to.
        will: what is published when the connection breaks off.
    """

    def __init__(self, broker: MemoryBroker, will: Delivery | None = None) -> None:
        self._broker, self._will = broker, will
        self.queue: list[Delivery] = []
        self.filters: list[str] = []
        self.sessions, self.connected = 1, True

    def publish(self, topic: str, payload: bytes, expiry: int | None = None) -> None:
        """Publish a retained message, if connected."""
        if self.connected:
            self._broker.publish(topic, payload)

    def subscribe(self, filters: tuple[str, ...]) -> None:
        """Deliver what is retained, and what comes."""
        if not self.connected:
            return
        self.filters += [one for one in filters if one not in self.filters]
        self.queue += [
            Delivery(topic, payload)
            for topic, payload in self._broker.retained.items()
            if any(matches(topic, one) for one in filters)
        ]

    def unsubscribe(self, filters: tuple[str, ...]) -> None:
        """Deliver these no longer."""
        self.filters = [one for one in self.filters if one not in filters]

    def poll(self, seconds: float) -> list[Delivery]:
        """Return what arrived; it does not wait."""
        found, self.queue = self.queue, []
        random_ = self._broker.random
        found += [one for one in found if random_.random() < self._broker.repeats]
        if self._broker.shuffles:
            random_.shuffle(found)
        self._broker.delivered += sum(len(one.payload) for one in found)
        return found

    def break_off(self, *, silent: bool = False) -> None:
        """Lose the connection, with what was on its way.

        Args:
            silent: the broker publishes no last will.
        """
        if self.connected and self._will is not None and not silent:
            self._broker.publish(self._will.topic, self._will.payload)
        self.connected, self.queue, self.filters = False, [], []

    def reconnect(self) -> None:
        """Connect again, if the broker is up."""
        if self._broker.up and not self.connected:
            self.connected, self.sessions = True, self.sessions + 1

    def close(self) -> None:
        """Disconnect."""
        self.connected, self.filters = False, []
        self._broker.clients = [one for one in self._broker.clients if one is not self]
