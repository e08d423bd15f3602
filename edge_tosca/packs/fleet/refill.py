"""Give back to a broker what it lost, and take from it what was deleted: any box can do both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from edge_tosca.errors import EdgeToscaError
from edge_tosca.packs.fleet.converge import (
    Offer,
    deleted,
    valid_offers,
    valid_tombstones,
)
from edge_tosca.packs.fleet.exchange import Exchange
from edge_tosca.packs.fleet.goal import haves_of
from edge_tosca.packs.fleet.inbox import Inbox

OTHERS_SECONDS = 5.0
"""A box waits for up to this long before it publishes what another one can publish, too."""

AGAIN_SECONDS = 30.0
"""Time before a blob is published again."""

AT_ONCE = 8
"""Packs that are published in one step."""


@dataclass
class Refill:
    """What one box does for the broker.

    Attributes:
        inbox: of the box.
        exchange: its blobs.
        random: for delays.
        clock: monotonic seconds.
    """

    inbox: Inbox
    exchange: Exchange
    random: Random
    clock: Callable[[], float]
    _due_at: dict[str, float] = field(default_factory=dict)
    _published: dict[str, float] = field(default_factory=dict)
    _missed: set[str] = field(default_factory=set)
    _lacking: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    _scanned: tuple[int, int] = (-1, -1)

    def step(self, wanted: Mapping[str, tuple[Offer, ...]], data_of: Callable[[str], bytes | None]) -> None:
        """Publish what this box knows and the broker has not, and clear what was deleted.

        Args:
            wanted: digest of a pack to the offers by which it is wanted here.
            data_of: digest to the bytes of a pack that this box holds.
        """
        if self._scanned != (self.inbox.changes, len(wanted)):
            self._scan(wanted)
            self._scanned = (self.inbox.changes, len(wanted))
        left = AT_ONCE
        for topic, (key, pack, data) in list(self._lacking.items()):
            if left == 0 or not self._is_due(topic, key):
                continue
            del self._lacking[topic]
            if pack and self._publish(pack, data_of):
                left -= 1
            self.inbox.on_broker[topic] = True
            self.exchange.transport.publish(topic, data)
        for pack in sorted(self._missed & wanted.keys()):
            since = self.clock() - self._published.get(pack, self.clock() - AGAIN_SECONDS)
            if since >= AGAIN_SECONDS and self._is_due(pack, ""):
                self._publish(pack, data_of)
                self._missed.discard(pack)

    def _scan(self, wanted: Mapping[str, tuple[Offer, ...]]) -> None:
        """Find what this box knows and the broker has not, and clear what was deleted."""
        inbox = self.inbox
        gone = deleted(inbox.records.tombstones(), inbox.roster)
        self._clear(gone)
        self._lacking = {}
        if not inbox.on_broker.get(inbox.topics.roster()):
            self._lacking[inbox.topics.roster()] = (inbox.membership.administrator, "", inbox.roster_data)
        tombstones = valid_tombstones(inbox.records.tombstones(), inbox.roster)
        for tombstone in sorted(tombstones, key=lambda one: (one.group, one.pack, one.key)):
            topic = inbox.topics.tombstone(tombstone.group, tombstone.pack)
            if not inbox.on_broker.get(topic):
                data = inbox.records.message(
                    "tombstone", f"{tombstone.group} {tombstone.pack}", tombstone.key
                )
                self._lacking[topic] = (tombstone.key, "", data or b"")
        for offers in wanted.values():
            for offer in offers:
                topic = inbox.topics.add(offer.group, offer.pack)
                if not inbox.on_broker.get(topic):
                    data = inbox.records.message("offer", f"{offer.group} {offer.pack}", offer.key)
                    self._lacking[topic] = (offer.key, offer.pack, data or b"")

    def look_for_missed(self, box: str = "") -> None:
        """Note which packs other boxes cannot get.

        Args:
            box: name of the box whose report was stored; all by default, as after a new connection.
        """
        for have in haves_of(self.inbox):
            member = self.inbox.roster.member(have.key)
            if member is not None and member.until is None and box in ("", member.name):
                self._missed |= set(have.missing)

    def _publish(self, pack: str, data_of: Callable[[str], bytes | None]) -> bool:
        data = data_of(pack)
        if data is None:
            return False
        self._published[pack] = self.clock()
        try:
            self.exchange.publish(pack, data)
        except EdgeToscaError as error:
            self.inbox.count(str(error))
            return False
        return True

    def _clear(self, gone: set[tuple[str, str]]) -> None:
        offers = self.inbox.records.offers()
        large = {one.pack for one in offers if one.is_large}
        elsewhere = {
            one.pack for one in valid_offers(offers, self.inbox.roster) if (one.group, one.pack) not in gone
        }
        for group, pack in gone:
            topic = self.inbox.topics.add(group, pack)
            if topic in self.inbox.on_broker:
                self.exchange.transport.publish(topic, b"")
                del self.inbox.on_broker[topic]
                if pack not in elsewhere:
                    self.exchange.clear(pack, is_large=pack in large)

    def _is_due(self, topic: str, key: str) -> bool:
        """Return whether it is this box's turn: at once for what it signed, after a random time otherwise."""
        if key == self.inbox.public:
            return True
        at = self._due_at.setdefault(topic, self.clock() + self.random.uniform(0, OTHERS_SECONDS))
        if self.clock() < at:
            return False
        del self._due_at[topic]
        return True
