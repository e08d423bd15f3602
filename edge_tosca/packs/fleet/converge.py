"""What a box of a fleet is to hold: a pure function of sets that only grow.

wanted = adds - dels, filtered by trust, group and fingerprint (a two-phase set, Shapiro and others, "A
comprehensive study of convergent and commutative replicated data types", 2011, section 3.3.2). Removal wins:
a pack that was deleted is never wanted again. No clock and no order of arrival has a part in it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.messages import Message
from edge_tosca.packs.fleet.roster import Member, Roster
from edge_tosca.packs.fleet.topics import MAX_LARGE, is_digest, is_name

REASONS = ("forget", "rejected")
"""Why a pack was deleted."""


@dataclass(frozen=True)
class Offer:
    """A pack that a member offers to a group.

    Attributes:
        group: the group.
        pack: sha256 (hex) of the pack's file.
        key: of the signer.
        number: of the message.
        fingerprint: of the backbone that computed the pack's features.
        size: bytes of the encrypted blob; above MAX_LARGE it is an object of the S3 store.
    """

    group: str
    pack: str
    key: str
    number: int
    fingerprint: str
    size: int

    @property
    def is_large(self) -> bool:
        """Whether the blob is an object of the S3 store."""
        return self.size > MAX_LARGE

    def content(self) -> dict[str, Any]:
        """Return what is signed, without signer and number."""
        return {"group": self.group, "pack": self.pack, "fingerprint": self.fingerprint, "size": self.size}


@dataclass(frozen=True)
class Tombstone:
    """The end of a pack in a group.

    Attributes:
        group: the group.
        pack: sha256 (hex) of the pack's file.
        key: of the signer.
        number: of the message.
        reason: of REASONS.
    """

    group: str
    pack: str
    key: str
    number: int
    reason: str

    def content(self) -> dict[str, Any]:
        """Return what is signed, without signer and number."""
        return {"group": self.group, "pack": self.pack, "reason": self.reason}


def read_offer(message: Message) -> Offer:
    """Read an offer.

    Args:
        message: whose signature was verified.

    Raises:
        FleetError: it is none.
    """
    body = message.body
    group, pack, size, fingerprint = (body.get(name) for name in ("group", "pack", "size", "fingerprint"))
    if message.kind != "offer" or not is_name(group) or not is_digest(pack) or not is_digest(fingerprint):
        raise FleetError("it is no offer of a pack")
    if not isinstance(size, int) or not 0 < size < 1 << 32:
        raise FleetError("it is an offer of a pack without a size")
    return Offer(str(group), str(pack), message.key, message.number, str(fingerprint), size)


def read_tombstone(message: Message) -> Tombstone:
    """Read a tombstone.

    Args:
        message: whose signature was verified.

    Raises:
        FleetError: it is none.
    """
    body = message.body
    group, pack, reason = (body.get(name) for name in ("group", "pack", "reason"))
    if message.kind != "tombstone" or not is_name(group) or not is_digest(pack) or reason not in REASONS:
        raise FleetError("it is no tombstone of a pack")
    return Tombstone(str(group), str(pack), message.key, message.number, str(reason))


def valid_offers(offers: Iterable[Offer], roster: Roster) -> set[Offer]:
    """Return the offers whose signers may make them."""
    found = {offer: roster.member(offer.key) for offer in offers}
    return {
        offer
        for offer, signer in found.items()
        if signer is not None and signer.may_offer(offer.group, offer.number)
    }


def valid_tombstones(tombstones: Iterable[Tombstone], roster: Roster) -> set[Tombstone]:
    """Return the tombstones whose signers may set them."""
    found = {one: roster.member(one.key) for one in tombstones}
    return {
        one
        for one, signer in found.items()
        if signer is not None and signer.may_delete(one.group, one.number)
    }


def deleted(tombstones: Iterable[Tombstone], roster: Roster) -> set[tuple[str, str]]:
    """Return group and digest of the packs that were deleted."""
    return {(one.group, one.pack) for one in valid_tombstones(tombstones, roster)}


def wanted(
    offers: Iterable[Offer],
    tombstones: Iterable[Tombstone],
    roster: Roster,
    box: Member,
    fingerprint: str,
    opened: Callable[[Offer], bool] = lambda offer: True,
) -> dict[str, tuple[Offer, ...]]:
    """Compute which packs a box is to hold.

    Args:
        offers: all that were ever received.
        tombstones: likewise.
        roster: the list of members in force.
        box: this one.
        fingerprint: of the box's backbone.
        opened: whether an offer has reached the ring of this box.

    Returns:
        Digest of a pack to the offers by which it is wanted, both sorted; the same for the same sets.
    """
    gone = deleted(tombstones, roster)
    found: dict[str, list[Offer]] = {}
    for offer in valid_offers(offers, roster):
        if (offer.group, offer.pack) in gone or not box.is_in(offer.group) or not opened(offer):
            continue
        if offer.fingerprint == fingerprint:
            found.setdefault(offer.pack, []).append(offer)
    return {
        pack: tuple(sorted(found[pack], key=lambda one: (one.group, one.key, one.number)))
        for pack in sorted(found)
    }


def distinct(contents: Mapping[str, tuple[str, str]]) -> set[str]:
    """Choose one of the packs that hold the same lesson, such as one that two signers offer.

    Args:
        contents: digest of a pack to its label and the digest of its features.

    Returns:
        Of each lesson the pack with the smallest digest.
    """
    chosen: dict[tuple[str, str], str] = {}
    for pack in sorted(contents):
        chosen.setdefault(contents[pack], pack)
    return set(chosen.values())


def class_names(packs: Mapping[str, tuple[str, str]], policy: str) -> dict[str, str]:
    """Name the classes of packs.

    Args:
        packs: digest of a pack to its label and its signer's key.
        policy: of NAMES. With "merge" lessons of one name are one class. With "signer" each class of a name
            that several members teach is `name@` and the first eight digits of the signer's key.

    Returns:
        Digest to the name in the store.
    """
    signers: dict[str, set[str]] = {}
    for label, key in packs.values():
        signers.setdefault(label, set()).add(key)
    return {
        pack: f"{label}@{key[:8]}" if policy == "signer" and len(signers[label]) > 1 else label
        for pack, (label, key) in packs.items()
    }
