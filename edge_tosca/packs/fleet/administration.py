"""The administrator's side: a folder with the fleet's keys and the list of members."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet import broker_rules
from edge_tosca.packs.fleet.encryption import exchange_public, new_key, require_cryptography, wrap_key
from edge_tosca.packs.fleet.membership import Membership, read_secret_json, write_invitation
from edge_tosca.packs.fleet.messages import Message, signed
from edge_tosca.packs.fleet.roster import EVERYBODY, MAX_RING, NAMES, ROLES, Member, Roster
from edge_tosca.packs.fleet.topics import checked_name
from edge_tosca.packs.keys import SigningKey, make_key, write_new
from edge_tosca.system.files import write_atomically

FORMAT = 1
_ADMINISTRATOR = "administrator"


@dataclass
class Administration:
    """A fleet, as its administrator has it.

    Attributes:
        folder: with `admin.key` and `fleet.json`, readable by its user alone.
        fleet: name of the fleet.
        broker: address of the broker.
        objects: address of the S3 store; "" for none.
        roster: the list of members.
        keys: all fleet keys by number.
        sent: the largest number of a message.
    """

    folder: Path
    fleet: str
    broker: str = field(repr=False)
    objects: str = field(repr=False)
    roster: Roster
    keys: dict[int, bytes] = field(repr=False)
    exchange: bytes = field(repr=False)
    sent: int

    @classmethod
    def create(
        cls, folder: Path, fleet: str, broker: str, objects: str = "", names: str = "merge"
    ) -> "Administration":
        """Make the administrator's key and the fleet key.

        Args:
            folder: which does not exist yet.
            fleet: name of the fleet.
            broker: address of the MQTT broker.
            objects: address of the S3 store; "" for none.
            names: of NAMES.

        Returns:
            The fleet, with the administrator as its only member.

        Raises:
            FleetError: the folder exists or cannot be made, or a name cannot be used.
        """
        require_cryptography()
        checked_name(fleet)
        if names not in NAMES:
            raise FleetError(f"{names!r} is no rule for equal names; choose {' or '.join(NAMES)}")
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise FleetError(f"{folder} cannot be made ({error.strerror}); name a new folder") from None
        public = make_key(folder / "admin.key")
        exchange = new_key()
        member = Member(_ADMINISTRATOR, public, exchange_public(exchange), (_ADMINISTRATOR,))
        made = cls(
            folder, fleet, broker, objects, Roster(0, (member,), 1, {}, names), {1: new_key()}, exchange, 0
        )
        made._renew(made.roster.members)
        write_new(folder / broker_rules.FILE, broker_rules.access_rules(fleet).encode(), 0o644)
        return made

    @classmethod
    def load(cls, folder: Path) -> "Administration":
        """Read the folder of a fleet.

        Args:
            folder: of `create`.

        Raises:
            FleetError: it is none, is damaged, or can be read by other users.
        """
        path = folder / "fleet.json"
        values = read_secret_json(path)
        try:
            members = tuple(
                Member(**{**one, "roles": tuple(one["roles"]), "groups": tuple(one["groups"])})
                for one in values["members"]
            )
            roster = Roster(
                values["roster"],
                members,
                values["epoch"],
                values["wrapped"],
                values["names"],
                values["margin"],
            )
            keys = {int(epoch): bytes.fromhex(key) for epoch, key in values["keys"].items()}
            texts = values["fleet"], values["broker"], values["objects"]
            return cls(folder, *texts, roster, keys, bytes.fromhex(values["exchange"]), values["sent"])
        except (LookupError, TypeError, ValueError, AttributeError):
            raise FleetError(f"{path} is damaged; restore a copy of {folder}") from None

    @property
    def key(self) -> SigningKey:
        """The administrator's key."""
        return SigningKey.load(self.folder / "admin.key")

    def message(self) -> Message:
        """Return the list of members, signed."""
        return signed("roster", self.fleet, self.roster.number, self.roster.content(), self.key)

    def invite(
        self,
        path: Path,
        box: str,
        *,
        roles: tuple[str, ...] = ("teacher",),
        groups: tuple[str, ...] = (),
        ring: int = 0,
        expires: timedelta = timedelta(days=7),
    ) -> Member:
        """Add a box to the fleet, and write the invitation that makes a store that box.

        Args:
            path: of the invitation, which does not exist yet.
            box: name of the box.
            roles: of ROLES.
            groups: besides EVERYBODY.
            ring: of the roll-out.
            expires: how long the invitation can be used.

        Returns:
            The member.

        Raises:
            FleetError: there is a box of that name, or a word cannot be used.
        """
        for name in (box, *groups):
            checked_name(name)
        if self.roster.named(box) is not None:
            raise FleetError(f"the fleet has a box {box!r} already; choose another name, or revoke it")
        if unknown := set(roles) - set(ROLES):
            raise FleetError(f"{unknown.pop()!r} is no role; choose of {', '.join(ROLES)}")
        if not 0 <= ring <= MAX_RING:
            raise FleetError(f"ring {ring} does not exist; take 0 to {MAX_RING}")
        private, public = _new_signing_key()
        exchange = new_key()
        member = Member(box, public, exchange_public(exchange), roles, groups, ring)
        self._renew((*self.roster.members, member))
        share = (groups[0] if groups else EVERYBODY) if "teacher" in roles else ""
        membership = Membership(
            self.fleet,
            box,
            self.key.public,
            self.broker,
            self.objects,
            private,
            exchange.hex(),
            share,
            self.message().data,
        )
        write_invitation(path, membership, datetime.now(UTC) + expires)
        return member

    def revoke(self, box: str, until: int) -> Member:
        """Remove a box from the fleet, and make a new fleet key for the others.

        Args:
            box: name of the box.
            until: number of its last message that counts; 0 to remove its lessons, too.

        Returns:
            The member as it was.

        Raises:
            FleetError: there is no such box.
        """
        found = self.roster.named(box)
        if found is None or box == _ADMINISTRATOR:
            raise FleetError(f"the fleet has no box {box!r}; see: edge-tosca fleet status {self.folder}")
        members = tuple(replace(one, until=until) if one is found else one for one in self.roster.members)
        epoch = self.roster.epoch + 1
        self.keys[epoch] = new_key()
        self.roster = replace(self.roster, epoch=epoch)
        self._renew(members)
        return found

    def next_number(self) -> int:
        """Return a number that no message of the administrator had; it is on the disk already."""
        self.sent += 1
        self.save()
        return self.sent

    def save(self) -> None:
        """Write `fleet.json`.

        Raises:
            FleetError: it cannot be written.
        """
        content = self.roster.content()
        values: dict[str, Any] = {
            "format": FORMAT,
            "fleet": self.fleet,
            "broker": self.broker,
            "objects": self.objects,
            "members": content["members"],
            "names": content["names"],
            "margin": content["margin"],
            "epoch": content["epoch"],
            "wrapped": content["keys"],
            "keys": {str(epoch): key.hex() for epoch, key in self.keys.items()},
            "exchange": self.exchange.hex(),
            "roster": self.roster.number,
            "sent": self.sent,
        }
        path = self.folder / "fleet.json"
        try:
            write_atomically(path, lambda file: file.write(json.dumps(values).encode()))
        except OSError as error:
            raise FleetError(f"{path} cannot be written ({error.strerror}); make room, or allow it") from None

    def _renew(self, members: tuple[Member, ...]) -> None:
        key = self.keys[self.roster.epoch]
        wrapped = {one.key: wrap_key(key, one.exchange) for one in members if one.until is None}
        self.sent += 1
        self.roster = replace(self.roster, number=self.sent, members=members, keys=wrapped)
        self.save()


def _new_signing_key() -> tuple[str, str]:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return private.decode(), key.public_key().public_bytes_raw().hex()
