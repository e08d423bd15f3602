"""What a box publishes of itself: lessons as offers, and tombstones."""

from collections.abc import Callable
from dataclasses import dataclass, field

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.converge import Offer, Tombstone, deleted
from edge_tosca.packs.fleet.exchange import Exchange
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.lessons import own_lessons, packed_lesson
from edge_tosca.packs.fleet.messages import signed
from edge_tosca.packs.fleet.topics import MAX_LARGE
from edge_tosca.packs.keys import SigningKey
from edge_tosca.store.store import Store

AGAIN_SECONDS = 60.0
"""Time after which a lesson is offered again that could not be published, as while an S3 store is away."""


@dataclass
class Offering:
    """The offers and tombstones of one box.

    Attributes:
        store: of the box.
        inbox: of the box.
        exchange: its blobs.
        key: with which it signs.
        log: called with lines about what is done.
        offered: digests of the packs that were offered since the box was connected.
        again_at: when to try again what could not be published, in seconds of the exchange's clock; None for
            nothing.
    """

    store: Store
    inbox: Inbox
    exchange: Exchange
    key: SigningKey
    log: Callable[[str], None]
    offered: list[str] = field(default_factory=list)
    again_at: float | None = None
    _passed_over: set[int] = field(default_factory=set)

    def publish(self, labels: tuple[str, ...], group: str) -> list[str]:
        """Offer lessons of this box to a group; see `Box.publish`."""
        if not group:
            raise FleetError("name a group with --group: what this box is taught stays here otherwise")
        if not self.inbox.member.may_offer(group, 1):
            raise FleetError(
                f"box {self.inbox.membership.box} is no teacher of group {group!r}; ask the "
                "administrator for the role"
            )
        gone = {pack for _, pack in deleted(self.inbox.records.tombstones(), self.inbox.roster)}
        made = []
        for task, one in own_lessons(self.store, imported=bool(labels)):
            if one.id in self._passed_over or (labels and one.label not in labels):
                continue
            pack = packed_lesson(self.store, task, one, self.key)
            if pack.digest in gone:
                self.log(f"class {one.label!r} was deleted from the fleet; teach it again to offer it")
                self._passed_over.add(one.id)
                continue
            try:
                self._offer(pack.digest, pack.data, group)
            except FleetError as error:
                if labels:
                    raise
                # One lesson keeps no other one back.
                self.log(f"class {one.label!r} is not offered: {error}")
                if len(pack.data) > MAX_LARGE and self.exchange.objects is None:
                    self._passed_over.add(one.id)
                else:
                    self.again_at = self.exchange.clock() + AGAIN_SECONDS
                continue
            made.append(pack.digest)
        self.offered += made
        return made

    def delete(self, pack: str, group: str, reason: str) -> None:
        """Set a tombstone; see `Box.delete`."""
        records, fleet = self.inbox.records, self.inbox.membership.fleet
        number = records.next_number()
        content = Tombstone(group, pack, self.key.public, number, reason).content()
        message = signed("tombstone", fleet, number, content, self.key)
        records.keep(message, f"{group} {pack}")
        self.inbox.changes += 1
        self._send(self.inbox.topics.tombstone(group, pack), message.data)

    def _offer(self, digest: str, data: bytes, group: str) -> None:
        records, fleet = self.inbox.records, self.inbox.membership.fleet
        # Before the offer: who reads it asks for the blob.
        size = self.exchange.publish(digest, data)
        number = records.next_number()
        offer = Offer(group, digest, self.key.public, number, self.store.settings["fingerprint"], size)
        message = signed("offer", fleet, number, offer.content(), self.key)
        records.keep(message, f"{group} {digest}")
        self.inbox.changes += 1
        self.exchange.keep(digest, data)
        self._send(self.inbox.topics.add(group, digest), message.data)

    def _send(self, topic: str, data: bytes) -> None:
        """Publish a message of this box; what a lost connection took is published in the next session."""
        if self.exchange.transport.connected:
            # Known to be there before its echo arrives, so that it is not given to the broker twice.
            self.inbox.on_broker[topic] = True
            self.exchange.transport.publish(topic, data)
