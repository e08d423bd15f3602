"""The members of a fleet, as its administrator signed them: keys, roles, groups, rings, and the fleet key."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.messages import Message
from edge_tosca.packs.fleet.topics import is_digest, is_name

EVERYBODY = "all"
"""The group that every member belongs to."""

ROLES = ("teacher", "administrator", "judge")
"""A teacher offers and deletes packs of its groups; a judge deletes them; an administrator does so in all."""

NAMES = ("merge", "signer")
"""What happens to classes of one name that two boxes teach: one class, or `name@signer` for each."""

MAX_MEMBERS = 20_000
MAX_RING = 9


@dataclass(frozen=True)
class Member:
    """A box, or an administrator.

    Attributes:
        name: of the box.
        key: its public key for signatures in hex, which is also the signer of its packs.
        exchange: its public key for the fleet key in hex.
        roles: of ROLES.
        groups: besides EVERYBODY.
        ring: 0 imports first; see `edge_tosca.packs.fleet.converge`.
        until: the number of its last message that counts, since it was revoked; None where it was not.
    """

    name: str
    key: str
    exchange: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    ring: int = 0
    until: int | None = None

    def is_in(self, group: str) -> bool:
        """Return whether it belongs to a group."""
        return group == EVERYBODY or group in self.groups

    def may_offer(self, group: str, number: int) -> bool:
        """Return whether an offer of a pack to a group counts.

        Args:
            group: the group.
            number: of the message.
        """
        return self.counts(number) and (
            "administrator" in self.roles or ("teacher" in self.roles and self.is_in(group))
        )

    def may_delete(self, group: str, number: int) -> bool:
        """Return whether a tombstone of a pack in a group counts.

        Args:
            group: the group.
            number: of the message.
        """
        return self.may_offer(group, number) or (
            self.counts(number) and "judge" in self.roles and self.is_in(group)
        )

    def counts(self, number: int) -> bool:
        """Return whether a message of this number counts: it was signed before the member was revoked."""
        return self.until is None or number <= self.until


@dataclass(frozen=True)
class Roster:
    """The members of a fleet.

    Attributes:
        number: of the message; the largest one is in force.
        members: all of them, the revoked ones too.
        epoch: number of the fleet key.
        keys: a member's key to the fleet key, encrypted for that member.
        names: of NAMES.
        margin: by how much held-out accuracy may fall on a box of an earlier ring, 0 to 1.
    """

    number: int
    members: tuple[Member, ...]
    epoch: int
    keys: dict[str, str] = field(repr=False)
    names: str = "merge"
    margin: float = 0.05

    def member(self, key: str) -> Member | None:
        """Return the member of a key; None if there is none."""
        return self._by_key.get(key)

    def named(self, name: str) -> Member | None:
        """Return the member of this name that was not revoked; None if there is none."""
        return next((one for one in self.members if one.name == name and one.until is None), None)

    def may_command(self, key: str, number: int) -> bool:
        """Return whether a command counts: only an administrator's does."""
        found = self.member(key)
        return found is not None and "administrator" in found.roles and found.counts(number)

    def content(self) -> dict[str, Any]:
        """Return what is signed, without the number."""
        members = [
            {**asdict(one), "roles": list(one.roles), "groups": list(one.groups)} for one in self.members
        ]
        return {
            "members": members,
            "epoch": self.epoch,
            "keys": self.keys,
            "names": self.names,
            "margin": self.margin,
        }

    @cached_property
    def _by_key(self) -> dict[str, Member]:
        return {one.key: one for one in self.members}


def read_roster(message: Message, administrator: str) -> Roster:
    """Read a list of members.

    Args:
        message: whose signature was verified.
        administrator: public key in hex of the administrator that this box was invited by.

    Returns:
        The list.

    Raises:
        FleetError: it is no list of members, is damaged, or is not the administrator's.
    """
    if message.kind != "roster" or message.key != administrator:
        raise FleetError("it is no list of members by the fleet's administrator")
    body = message.body
    try:
        members = tuple(_member(one) for one in body["members"])
        epoch, names, margin = body["epoch"], body["names"], float(body["margin"])
        keys = {str(key): str(wrapped) for key, wrapped in body["keys"].items()}
    except (LookupError, TypeError, ValueError, AttributeError):
        raise FleetError("the list of members is damaged") from None
    if len(members) > MAX_MEMBERS or not isinstance(epoch, int) or epoch < 1 or names not in NAMES:
        raise FleetError("the list of members has a value that this program does not know; update edge-tosca")
    return Roster(message.number, members, epoch, keys, names, margin)


def _member(values: dict[str, Any]) -> Member:
    roles, groups = tuple(values["roles"]), tuple(values["groups"])
    ring, until = values["ring"], values["until"]
    valid = (
        is_name(values["name"])
        and is_digest(values["key"])
        and is_digest(values["exchange"])
        and set(roles) <= set(ROLES)
        and all(is_name(group) for group in groups)
        and isinstance(ring, int)
        and 0 <= ring <= MAX_RING
        and (until is None or isinstance(until, int))
    )
    if not valid:
        raise ValueError("a member has a value of another type")
    return Member(values["name"], values["key"], values["exchange"], roles, groups, ring, until)
