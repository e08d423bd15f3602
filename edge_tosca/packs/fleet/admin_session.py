"""The administrator at the broker: publish the list of members, read reports, encrypt blobs again."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from edge_tosca.digests import sha256
from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.administration import Administration
from edge_tosca.packs.fleet.commands import EXPIRY_SECONDS, command_content
from edge_tosca.packs.fleet.converge import Offer, deleted, read_offer, read_tombstone, valid_offers
from edge_tosca.packs.fleet.encryption import decrypt_blob, encrypt_blob, epoch_of
from edge_tosca.packs.fleet.exchange import Objects
from edge_tosca.packs.fleet.messages import Message, signed, verified
from edge_tosca.packs.fleet.topics import MAX_LARGE, Topics, most_bytes
from edge_tosca.packs.fleet.transport import Transport

_QUIET_SECONDS = 1.0


@dataclass
class AdminSession:
    """A connection of the administrator.

    Attributes:
        fleet: as the administrator has it.
        transport: to the broker.
        objects: the S3 store; None for none.
        retained: topic to verified message, of what was gathered.
    """

    fleet: Administration
    transport: Transport
    objects: Objects | None = None
    retained: dict[str, Message] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.topics = Topics(self.fleet.fleet)

    def connect(self, seconds: float) -> None:
        """Wait for the connection.

        Args:
            seconds: at most.

        Raises:
            FleetError: it was not made in time.
        """
        self._wait(lambda: self.transport.connected, seconds)

    def publish_roster(self) -> None:
        """Publish the list of members."""
        self.transport.publish(self.topics.roster(), self.fleet.message().data)
        self._drain(0.3)

    def gather(self, *filters: str, seconds: float = 10.0) -> None:
        """Read what the broker retains on some topics, until nothing more comes for a second.

        Args:
            filters: topics, with wildcards.
            seconds: to wait at most.
        """
        self.transport.subscribe(filters)
        end, quiet = time.monotonic() + seconds, time.monotonic() + _QUIET_SECONDS
        while time.monotonic() < min(end, quiet):
            for delivery in self.transport.poll(0.2):
                quiet = time.monotonic() + _QUIET_SECONDS
                topic = self.topics.parse(delivery.topic)
                if topic is None or len(delivery.payload) > most_bytes(topic):
                    continue
                with contextlib.suppress(FleetError):
                    self.retained[delivery.topic] = verified(delivery.payload, self.fleet.fleet)
        self.transport.unsubscribe(filters)

    def last_number(self, key: str) -> int:
        """Return the number of the last message of a member that was gathered; 0 for none."""
        # A hello is counted by connections, in a sequence of its own.
        found = (one for one in self.retained.values() if one.key == key and one.kind != "hello")
        return max((one.number for one in found), default=0)

    def offers(self) -> list[Offer]:
        """Return the offers that count and were not deleted, of those gathered."""
        found = [read_offer(message) for message in self.messages("add")]
        gone = deleted([read_tombstone(message) for message in self.messages("del")], self.fleet.roster)
        left = (one for one in valid_offers(found, self.fleet.roster) if (one.group, one.pack) not in gone)
        return sorted(left, key=lambda one: (one.pack, one.group, one.key))

    def messages(self, kind: str) -> list[Message]:
        """Return what was gathered of one kind, if it says what its topic says.

        Args:
            kind: "add" for offers, "del" for tombstones.
        """
        found = []
        for name, message in self.retained.items():
            topic = self.topics.parse(name)
            if topic is None or topic.kind != kind:
                continue
            place = (message.body.get("group"), message.body.get("pack"))
            with contextlib.suppress(FleetError):
                (read_offer if kind == "add" else read_tombstone)(message)
                if place == (topic.group, topic.digest):
                    found.append(message)
        return found

    def encrypt_again(self, seconds: float = 60.0) -> tuple[int, int]:
        """Encrypt the blobs of all offers that count under the present fleet key.

        Args:
            seconds: to wait for blobs at most.

        Returns:
            How many were encrypted again, and how many could not be had.
        """
        offers = {one.pack: one for one in self.offers()}
        small = {self.topics.blob(pack) for pack, one in offers.items() if not one.is_large}
        done = set()
        for pack, one in offers.items():
            if one.is_large and self.objects is not None:
                blob = self.objects.get(pack)
                if blob is not None and self._encrypt_again(pack, blob):
                    done.add(pack)
        self.transport.subscribe(tuple(sorted(small)))
        end = time.monotonic() + seconds
        while small and time.monotonic() < end:
            for delivery in self.transport.poll(0.2):
                topic = self.topics.parse(delivery.topic)
                if topic is None or delivery.topic not in small:
                    continue
                if self._encrypt_again(topic.digest, delivery.payload):
                    small.discard(delivery.topic)
                    self.transport.unsubscribe((delivery.topic,))
                    done.add(topic.digest)
        self._drain(0.5)
        return len(done), len(offers) - len(done)

    def command(self, box: str, action: str, value: str, days: int = 7) -> int:
        """Send a command to a box.

        Args:
            box: its name.
            action: of `edge_tosca.packs.fleet.commands.ACTIONS`.
            value: see `command_content`.
            days: after which it expires.

        Returns:
            The number of the command.

        Raises:
            FleetError: there is no such box or command.
        """
        if self.fleet.roster.named(box) is None:
            raise FleetError(
                f"the fleet has no box {box!r}; see: edge-tosca fleet status {self.fleet.folder}"
            )
        content = command_content(box, action, value, datetime.now(UTC) + timedelta(days=days))
        number = self.fleet.next_number()
        message = signed("command", self.fleet.fleet, number, content, self.fleet.key)
        self.transport.publish(self.topics.command(box, number), message.data, EXPIRY_SECONDS)
        self._drain(0.3)
        return number

    def _encrypt_again(self, pack: str, blob: bytes) -> bool:
        epoch = self.fleet.roster.epoch
        try:
            if epoch_of(blob) == epoch:
                return True
            data = decrypt_blob(blob, pack, self.fleet.keys)
        except FleetError:
            return False
        if sha256(data) != pack:
            return False
        fresh = encrypt_blob(data, pack, epoch, self.fleet.keys[epoch])
        if len(fresh) > MAX_LARGE:
            if self.objects is not None:
                self.objects.put(pack, fresh)
        else:
            self.transport.publish(self.topics.blob(pack), fresh)
        return True

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.transport.poll(0.1)

    def _wait(self, done: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() >= end:
                raise FleetError(
                    f"the broker of fleet {self.fleet.fleet} cannot be reached; check its address and that "
                    "it runs"
                )
            self.transport.poll(0.2)
