"""What a box takes from untrusted deliveries: verified messages go to its records, all else is counted."""

import json
from dataclasses import dataclass, field

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.converge import read_offer, read_tombstone
from edge_tosca.packs.fleet.encryption import unwrap_key
from edge_tosca.packs.fleet.membership import Membership
from edge_tosca.packs.fleet.messages import Message, verified
from edge_tosca.packs.fleet.records import Records
from edge_tosca.packs.fleet.roster import Member, Roster, read_roster
from edge_tosca.packs.fleet.topics import Topic, Topics, most_bytes
from edge_tosca.packs.fleet.transport import Delivery


@dataclass
class Inbox:
    """The messages of one box's fleet.

    Attributes:
        membership: of the box.
        records: its file.
        topics: of the fleet.
        roster: the list of members in force.
        dropped: reason to the number of deliveries that were not taken.
        on_broker: topic of the list of members, an offer or a tombstone that the broker of this session
            retains, to whether it counts.
        incomplete: a message was passed over that counts if a later list of members says so.
        changes: grows when a refill may have become due.
        commands: verified commands to this box, to be carried out in the order of their numbers.
    """

    membership: Membership
    records: Records
    topics: Topics = field(init=False)
    roster: Roster = field(init=False)
    dropped: dict[str, int] = field(default_factory=dict)
    on_broker: dict[str, bool] = field(default_factory=dict)
    incomplete: bool = False
    changes: int = 0
    commands: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topics = Topics(self.membership.fleet)
        self._take_roster(verified(self.roster_data, self.membership.fleet))

    @property
    def roster_data(self) -> bytes:
        """The list of members in force, as the administrator signed it."""
        stored = self.records.message("roster", "", self.membership.administrator)
        return stored or self.membership.roster

    @property
    def member(self) -> Member:
        """This box, in the list of members.

        Raises:
            FleetError: it was revoked.
        """
        found = self.roster.named(self.membership.box)
        if found is None or found.key != self.public:
            raise FleetError(
                f"box {self.membership.box} was revoked from fleet {self.membership.fleet}; leave the fleet, "
                "or ask the administrator for a new invitation"
            )
        return found

    @property
    def public(self) -> str:
        """Public key of this box in hex."""
        if self._public is None:
            self._public = self.membership.key().public
        return self._public

    _public: str | None = None
    _has_roster: bool = False

    def keys(self) -> dict[int, bytes]:
        """Return the fleet keys that this box was given, by number."""
        found = self.records.note("fleet keys")
        return {int(epoch): bytes.fromhex(key) for epoch, key in json.loads(found or "{}").items()}

    def stored(self, kind: str) -> list[Message]:
        """Return the stored messages of a kind; their signatures were verified when they came."""
        return [verified(data, self.membership.fleet) for _, data in self.records.messages(kind)]

    def take(self, delivery: Delivery) -> Topic | None:
        """Take a delivery.

        Args:
            delivery: untrusted.

        Returns:
            What its topic says, if it was a new message; None otherwise.
        """
        topic = self.topics.parse(delivery.topic)
        if topic is None:
            self.count("no topic of the fleet")
            return None
        if len(delivery.payload) > most_bytes(topic):
            self.count("too large")
            return None
        if not delivery.payload:
            self.changes += self.on_broker.pop(delivery.topic, None) is not None
            return None
        if topic.kind == "blob":
            return topic
        counts, new = True, False
        try:
            new = self._take(topic, delivery.payload)
        except FleetError as error:
            self.count(str(error))
            counts = False
        if topic.kind == "roster":
            counts = delivery.payload == self.roster_data
        if topic.kind in ("roster", "add", "del"):
            self.on_broker[delivery.topic] = counts
            self.changes += 1
        return topic if new else None

    def _take(self, topic: Topic, payload: bytes) -> bool:
        message = verified(payload, self.membership.fleet)
        if topic.kind == "roster":
            return self._take_roster(message)
        signer = self.roster.member(message.key)
        if signer is None:
            self.incomplete = True
            raise FleetError("its signer is no member")
        match topic.kind:
            case "add":
                offer = read_offer(message)
                if (offer.group, offer.pack) != (topic.group, topic.digest):
                    raise FleetError("it is of another topic")
                if not signer.may_offer(offer.group, offer.number):
                    self.incomplete = True
                    raise FleetError("its signer may not offer packs to this group")
                return self.records.keep(message, f"{offer.group} {offer.pack}")
            case "del":
                tombstone = read_tombstone(message)
                if (tombstone.group, tombstone.pack) != (topic.group, topic.digest):
                    raise FleetError("it is of another topic")
                if not signer.may_delete(tombstone.group, tombstone.number):
                    self.incomplete = True
                    raise FleetError("its signer may not delete packs of this group")
                return self.records.keep(message, f"{tombstone.group} {tombstone.pack}")
            case "have" | "hello":
                if message.kind != topic.kind or signer.name != topic.box or signer.until is not None:
                    raise FleetError("it is of another box")
                return self.records.keep(message, topic.box)
            case "command":
                return self._take_command(topic, message)
        return False

    def _take_roster(self, message: Message) -> bool:
        roster = read_roster(message, self.membership.administrator)
        if self._has_roster and roster.number <= self.roster.number:
            return False
        keys = self.keys()
        wrapped = roster.keys.get(self.public)
        if wrapped is not None and roster.epoch not in keys:
            keys[roster.epoch] = unwrap_key(wrapped, self.membership.exchange_key)
            stored = json.dumps({str(epoch): key.hex() for epoch, key in keys.items()})
            self.records.set_note("fleet keys", stored)
        self.records.keep(message)
        self.roster, self._has_roster = roster, True
        return True

    def _take_command(self, topic: Topic, message: Message) -> bool:
        if message.kind != "command" or (topic.box, topic.number) != (self.membership.box, message.number):
            raise FleetError("it is a command to another box")
        if message.body.get("box") != topic.box or not self.roster.may_command(message.key, message.number):
            raise FleetError("it is no command of an administrator")
        if message.number <= self.records.number(f"command {message.key}"):
            raise FleetError("it is a command that was carried out before")
        self.commands.append(message)
        return True

    def count(self, reason: str) -> None:
        """Count a delivery that is not taken."""
        if len(self.dropped) < 100 or reason in self.dropped:
            self.dropped[reason] = self.dropped.get(reason, 0) + 1
