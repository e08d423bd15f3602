"""How messages travel: what a box needs of a broker, which is trusted for delivery alone."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Delivery:
    """A message as it arrived, untrusted.

    Attributes:
        topic: its topic.
        payload: its content; empty where a retained message was cleared.
    """

    topic: str
    payload: bytes


class Transport(Protocol):
    """A connection to a broker with retained messages; messages may be lost, repeated and reordered.

    Attributes:
        sessions: how often the connection was established; subscriptions are to be made again after each.
        connected: whether it is now.
    """

    sessions: int
    connected: bool

    def publish(self, topic: str, payload: bytes, expiry: int | None = None) -> None:
        """Publish a retained message, at least once while connected; an empty one clears the topic.

        Args:
            topic: its topic.
            payload: its content.
            expiry: seconds after which the broker drops it; None for never.
        """

    def subscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for what is retained on topics, and for what is published from now on.

        Args:
            filters: topics, with the wildcards + and #.
        """

    def unsubscribe(self, filters: tuple[str, ...]) -> None:
        """Ask for topics no longer."""

    def poll(self, seconds: float) -> list[Delivery]:
        """Return what arrived.

        Args:
            seconds: to wait for the first message.
        """

    def close(self) -> None:
        """Disconnect in good order; the last will is not published."""


def matches(topic: str, filter_: str) -> bool:
    """Return whether a topic matches a filter (MQTT 5, section 4.7)."""
    parts, wanted = topic.split("/"), filter_.split("/")
    for place, word in enumerate(wanted):
        if word == "#":
            return True
        if place >= len(parts) or word not in ("+", parts[place]):
            return False
    return len(parts) == len(wanted)
