"""What one box is to hold now, from its records."""

from collections.abc import Set
from dataclasses import dataclass, field

from edge_tosca.packs.fleet.accounts import Accounts, Content, content_of
from edge_tosca.packs.fleet.converge import Offer, class_names, distinct, wanted
from edge_tosca.packs.fleet.exchange import Exchange
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.reports import Have, read_have
from edge_tosca.packs.fleet.rings import is_open


@dataclass(frozen=True)
class Goal:
    """What a box is to hold.

    Attributes:
        wanted: digest of a pack to the offers by which it is wanted.
        packs: the same without further packs of one lesson.
        contents: digest to what the pack holds, where it is known.
    """

    wanted: dict[str, tuple[Offer, ...]] = field(default_factory=dict)
    packs: frozenset[str] = frozenset()
    contents: dict[str, Content] = field(default_factory=dict)

    def names(self, packs: Set[str], policy: str) -> dict[str, str]:
        """Name the classes of packs.

        Args:
            packs: their digests; those that are not wanted are passed over.
            policy: of `edge_tosca.packs.fleet.roster.NAMES`.

        Returns:
            Digest to the name in the store.
        """
        found = {pack: self.contents[pack] for pack in self.contents if pack in packs and pack in self.packs}
        return class_names({pack: (one.label, one.key) for pack, one in found.items()}, policy)


def wanted_packs(inbox: Inbox, fingerprint: str) -> dict[str, tuple[Offer, ...]]:
    """Compute which packs a box wants.

    Args:
        inbox: of the box.
        fingerprint: of its backbone.

    Returns:
        Digest to the offers by which a pack is wanted.

    Raises:
        FleetError: the box was revoked.
    """
    records, roster, member = inbox.records, inbox.roster, inbox.member
    haves = haves_of(inbox) if member.ring > 0 else []

    def opened(offer: Offer) -> bool:
        # Once is for good: later changes of the list of members close no ring.
        name = f"opened {offer.group} {offer.pack}"
        if member.ring == 0 or records.number(name):
            return True
        if is_open(offer, member, roster, haves):
            records.set_number(name, 1)
            return True
        return False

    return wanted(records.offers(), records.tombstones(), roster, member, fingerprint, opened)


def find_goal(inbox: Inbox, accounts: Accounts, exchange: Exchange) -> Goal:
    """Compute what a box is to hold.

    Args:
        inbox: of the box.
        accounts: what it knows of packs that it imported.
        exchange: with the packs that came and are not imported yet.

    Raises:
        FleetError: the box was revoked.
    """
    found = wanted_packs(inbox, accounts.store.settings["fingerprint"])
    known = {pack: accounts.content(pack) for pack in found}
    known |= {pack: content_of(one) for pack, (one, _) in exchange.opened.items() if pack in found}
    contents = {pack: content for pack, content in known.items() if content is not None}
    lessons = {pack: (one.label, one.lesson) for pack, one in contents.items()}
    return Goal(found, frozenset(found) - (lessons.keys() - distinct(lessons)), contents)


def haves_of(inbox: Inbox) -> list[Have]:
    """Return what the boxes of a fleet report, as far as this box has read it."""
    return [read_have(message) for message in inbox.stored("have")]
