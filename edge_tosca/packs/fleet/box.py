"""A box of a fleet: it follows the broker, and makes its store hold what the fleet wants."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from edge_tosca.errors import EdgeToscaError, FleetError, StoreError
from edge_tosca.learner.restore import erase_in_copies
from edge_tosca.packs.fleet.accounts import Accounts, Content, content_of
from edge_tosca.packs.fleet.applying import erase_packs, import_packs, refusal, refuse
from edge_tosca.packs.fleet.commands import PINNED, carry_out
from edge_tosca.packs.fleet.converge import Offer, Tombstone, class_names, deleted, distinct, wanted
from edge_tosca.packs.fleet.exchange import Exchange, Objects
from edge_tosca.packs.fleet.hello import goodbye, hello
from edge_tosca.packs.fleet.holdings import FORGOTTEN, holdings, undone
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.lessons import own_lessons, packed_lesson
from edge_tosca.packs.fleet.membership import Membership, folder_of
from edge_tosca.packs.fleet.messages import signed, verified
from edge_tosca.packs.fleet.records import Records
from edge_tosca.packs.fleet.refill import Refill
from edge_tosca.packs.fleet.reports import Have, read_have
from edge_tosca.packs.fleet.rings import has_rings, is_open, verdict
from edge_tosca.packs.fleet.transport import Delivery, Transport
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.store import Store

WATCHED = 100
"""Members up to which every box reads what the others hold, and heals what a broker lost."""

_GATHER_SECONDS = 1.0
_SCRUB_SECONDS = 5.0
_NOTE_SECONDS = 30.0


class Box:
    """A box that is connected to its fleet. `step` is to be called again and again.

    Args:
        store: of the box.
        membership: of the box.
        transport: to the broker.
        objects: the S3 store; None for none.
        key_file: with the store's key, for copies of the store.
        clock: monotonic seconds.
        settle: seconds without a delivery after which the broker has sent what it retains.
        random: for delays, so that boxes do not all refill a broker at once.
        log: called with a line about what was done.

    Attributes:
        fetching: number of wanted packs that are not here yet.
        settled: the broker of this session has sent what it retains, at least once.
        offered: digests of the packs that this box has offered since it was connected.
    """

    def __init__(
        self,
        store: Store,
        membership: Membership,
        transport: Transport,
        *,
        objects: Objects | None = None,
        key_file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        settle: float = 1.0,
        random: Random | None = None,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.store, self.membership, self._transport = store, membership, transport
        folder = folder_of(store.path)
        folder.mkdir(mode=0o700, exist_ok=True)
        self.records = Records(folder / "records.db", membership.fleet)
        self.inbox = Inbox(membership, self.records)
        self.exchange = Exchange(self.inbox, transport, objects, clock)
        self.accounts = Accounts(self.inbox, store)
        self._key, self._key_file = membership.key(), key_file
        self._clock, self._settle, self._log = clock, settle, log
        self.refill = Refill(self.inbox, self.exchange, random or Random(), clock)
        self._session, self._heard_at, self._came_at = 0, clock(), 0.0
        self._due, self._scrub_at, self._noted_at = True, 0.0, -_NOTE_SECONDS
        self._generation, self._reported = -1, Have()
        self._last_goal = _Goal({}, set(), {})
        self._passed_over: set[int] = set()
        self.offered: list[str] = []
        self.settled, self.fetching = False, 0

    def close(self) -> None:
        """Close the file of records and the connection."""
        if self._transport.connected:
            said = goodbye(self.store, self.membership, self.records)
            self._transport.publish(said.topic, said.payload)
        self._transport.close()
        self.records.close()

    def step(self, seconds: float = 0.2) -> bool:
        """Take what arrived, and do what follows from it.

        Args:
            seconds: to wait for the first message.

        Returns:
            Whether the store was changed.

        Raises:
            FleetError: the box was revoked.
            StoreError: the store cannot be written.
        """
        self._begin_session()
        self._take(self._transport.poll(seconds))
        self._carry_out_commands()
        if self.store.latest() != self._generation:
            self._due, self._generation = True, self.store.latest()
        self._follow_local_changes()
        self._share()
        changed = False
        if self._due or self.exchange.asked or self.exchange.opened:
            self._last_goal = self._goal()
            changed = self._erase(self._last_goal) or changed
            changed = self._import(self._last_goal) or changed
        goal = self._last_goal
        self._scrub()
        if self._due or changed:
            self._due = False
            self._report(goal)
        self._settle_and_refill(goal)
        return changed

    def publish(self, labels: tuple[str, ...] = (), group: str = "") -> list[str]:
        """Offer lessons of this box to a group.

        Args:
            labels: names of the classes; all that were learned here by default.
            group: the box's own by default.

        Returns:
            Digests of the packs that this made.

        Raises:
            FleetError: the box may not, or a lesson is too large.
        """
        group = group or self.membership.share
        if not group:
            raise FleetError("name a group with --group: what this box is taught stays here otherwise")
        if not self.inbox.member.may_offer(group, 1):
            raise FleetError(
                f"box {self.membership.box} is no teacher of group {group!r}; ask the "
                "administrator for the role"
            )
        made = []
        for task, one in own_lessons(self.store):
            if one.id in self._passed_over or (labels and one.label not in labels):
                continue
            pack = packed_lesson(self.store, task, one, self._key)
            if any(pack.digest == gone for _, gone in deleted(self.records.tombstones(), self.inbox.roster)):
                self._log(f"class {one.label!r} was deleted from the fleet; teach it again to offer it")
                self._passed_over.add(one.id)
                continue
            self._offer(pack.digest, pack.data, group)
            made.append(pack.digest)
            self.offered.append(pack.digest)
        self._due = True
        return made

    def _offer(self, digest: str, data: bytes, group: str) -> None:
        size = self.exchange.publish(digest, data)
        number = self.records.next_number()
        offer = Offer(group, digest, self._key.public, number, self.store.settings["fingerprint"], size)
        message = signed("offer", self.membership.fleet, number, offer.content(), self._key)
        self.records.keep(message, f"{group} {digest}")
        self.exchange.keep(digest, data)
        self._transport.publish(self.inbox.topics.add(group, digest), message.data)

    def delete(self, pack: str, group: str, reason: str = "forget") -> None:
        """Set a tombstone: remove a pack from a group for good.

        Args:
            pack: its digest.
            group: the group.
            reason: of `edge_tosca.packs.fleet.converge.REASONS`.
        """
        number = self.records.next_number()
        content = Tombstone(group, pack, self._key.public, number, reason).content()
        message = signed("tombstone", self.membership.fleet, number, content, self._key)
        self.records.keep(message, f"{group} {pack}")
        self.inbox.changes += 1
        self._transport.publish(self.inbox.topics.tombstone(group, pack), message.data)
        self._due = True

    # What follows are the parts of a step, in order.

    def _begin_session(self) -> None:
        if not self._transport.connected or self._transport.sessions == self._session:
            return
        self._session, self._heard_at, self.settled = self._transport.sessions, self._clock(), False
        self.inbox.on_broker.clear()
        self.inbox.changes += 1
        topics, box = self.inbox.topics, self.membership.box
        self._transport.subscribe(topics.followed(box))
        self._watch()
        self.exchange.new_session()
        said = hello(self.store, self.membership, self.records)
        self._transport.publish(said.topic, said.payload)
        self._reported, self._due = Have(), True

    def _watch(self) -> None:
        """Ask for what the boxes report, where this box has a use for it."""
        if len(self.inbox.roster.members) <= WATCHED or has_rings(self.inbox.roster):
            self._transport.subscribe(self.inbox.topics.watched())

    def _take(self, deliveries: list[Delivery]) -> None:
        if not deliveries:
            return
        self._heard_at = self._clock()
        with self.records.batch():
            for delivery in deliveries:
                topic = self.inbox.take(delivery)
                if topic is None:
                    continue
                if topic.kind == "blob":
                    if self.exchange.take(topic.digest, delivery.payload):
                        self._came_at = self._clock()
                    continue
                self._due = True
                if topic.kind == "roster" and self.inbox.incomplete:
                    self.inbox.incomplete = False
                    self._transport.subscribe((f"{self.inbox.topics.root}/set/#",))
                    self._watch()
                if topic.kind == "have":
                    self.refill.others(topic.box)

    def _carry_out_commands(self) -> None:
        self.inbox.commands.sort(key=lambda message: message.number)
        while self.inbox.commands:
            message = self.inbox.commands.pop(0)
            name = f"command {message.key}"
            if message.number <= self.records.number(name):
                continue
            # Before it is carried out: a command that fails is not tried again at every start.
            self.records.set_number(name, message.number)
            try:
                line = carry_out(self.store, self.records, message.body, datetime.now(UTC))
            except EdgeToscaError as error:
                line = str(error)
            self._log(f"command {message.number}: {line}")
            self._transport.publish(self.inbox.topics.command(self.membership.box, message.number), b"")
            self._due = True

    def _follow_local_changes(self) -> None:
        """Refuse what was rolled back here; delete from the fleet what was forgotten here."""
        if not self._due:
            return
        if restored := self._restored():
            refuse(self.store, dict.fromkeys(restored, ""))
        found = undone(self.store)
        if not found:
            return
        offers, member = self._wanted(), self.inbox.member
        refused = {}
        for pack, reason in found.items():
            groups = {offer.group for offer in offers.get(pack, ())}
            may = all(member.may_delete(group, 1) for group in groups)
            if reason == FORGOTTEN and may:
                for group in groups:
                    self.delete(pack, group)
            else:
                refused[pack] = reason
        if refused:
            refuse(self.store, refused)

    def _restored(self) -> set[str]:
        """Return the packs that were refused and are live again, as after a second rollback."""
        refused = {pack: one.group for pack, one in holdings(self.store.settings).items() if one.refused}
        live = {group.id for group in self.store.state().groups} if refused else set()
        return {pack for pack, group in refused.items() if group in live}

    def _share(self) -> None:
        if self._due and self.membership.share and not self._is_pinned:
            try:
                self.publish()
            except FleetError as error:
                self.inbox.count(str(error))

    def _erase(self, goal: "_Goal") -> bool:
        held = holdings(self.store.settings)
        gone = held.keys() - goal.packs
        for pack in self.exchange.opened.keys() - goal.wanted.keys():
            del self.exchange.opened[pack]
        if not gone:
            return False
        self._log(f"erasing {len(gone)} of the fleet's packs")
        try:
            erase_packs(self.store, gone)
        except StoreError as error:
            if holdings(self.store.settings).keys() & gone:
                raise
            # Erased, but another process still reads the log.
            self._log(str(error))
            self.records.set_note("unscrubbed", json.dumps(sorted(gone | self._unscrubbed)))
        for pack in gone:
            self.accounts.drop(pack)
        failed = [
            str(one.path) for one in erase_in_copies(self.store.path, self._key_file) if one.state != "erased"
        ]
        self.records.set_note("copies", json.dumps(failed))
        self._due = True
        return True

    def _import(self, goal: "_Goal") -> bool:
        held = holdings(self.store.settings)
        offers = [goal.wanted[pack][0] for pack in sorted(goal.packs) if pack not in held]
        if self._is_pinned:
            self.fetching = 0
            return False
        if self.exchange.ask(offers):
            goal = self._goal()
        for pack, (content, _) in list(self.exchange.opened.items()):
            if pack in goal.wanted and (reason := refusal(self.store, content, goal.wanted[pack][0].key)):
                self.exchange.unusable[pack] = reason
                del self.exchange.opened[pack]
        offers = [one for one in offers if one.pack not in self.exchange.unusable]
        ready = {
            pack: one for pack, one in self.exchange.opened.items() if pack in goal.packs and pack not in held
        }
        self.fetching = sum(one.pack not in ready for one in offers)
        # Many at once: the router is solved once.
        waits = self.fetching and self._clock() - self._came_at < _GATHER_SECONDS
        if waits and len(ready) < 64:
            return False
        judging = has_rings(self.inbox.roster) and self.inbox.member.ring == 0
        names = self._names(goal, set(ready) | held.keys())
        # One at a time where each is judged: the next one is not to be measured beside a bad one.
        batch = sorted(ready)[:1] if judging else sorted(ready)
        packs = {pack: ready[pack][0] for pack in batch}
        applied = import_packs(self.store, packs, names, compare=judging)
        if applied.generation is None:
            return False
        for pack in batch:
            self.accounts.keep(pack, *ready[pack])
            del self.exchange.opened[pack]
        if judging:
            self._judge(batch, goal, verdict(applied.before, applied.after, self.inbox.roster.margin))
        self._due = True
        return True

    def _judge(self, batch: list[str], goal: "_Goal", reason: str) -> None:
        judged = self._judged
        for pack in batch:
            judged[pack] = reason
            own = self.inbox.member
            groups = {offer.group for offer in goal.wanted[pack]}
            if reason:
                self._log(f"pack {pack[:12]}: {reason}")
                # A teacher's box may be the one that learned wrongly: it reports, and does not decide.
                for group in groups:
                    if "judge" in own.roles and own.may_delete(group, 1):
                        self.delete(pack, group, "rejected")
        self.records.set_note("judged", json.dumps(judged))

    def _report(self, goal: "_Goal") -> None:
        held = holdings(self.store.settings)
        refused = {pack: one.refused for pack, one in held.items() if one.refused}
        refused |= {pack: why for pack, why in self.exchange.unusable.items() if pack in goal.wanted}
        refused |= dict.fromkeys(goal.wanted.keys() - goal.packs, "the same lesson as another pack")
        gone = {pack for _, pack in deleted(self.records.tombstones(), self.inbox.roster)}
        judged = self._judged
        if has_rings(self.inbox.roster) and self.inbox.member.ring == 0:
            # Those that were imported before there were rings are not judged.
            judged = {pack: "" for pack, one in held.items() if not one.refused} | judged
        have = Have(
            key=self._key.public,
            held=tuple(sorted(pack for pack, one in held.items() if not one.refused)),
            refused=refused,
            deleted=tuple(sorted(gone - goal.wanted.keys() - held.keys() - self._unscrubbed)),
            missing=tuple(sorted(self.exchange.failed & goal.packs - held.keys())),
            judged={pack: why for pack, why in judged.items() if pack in goal.wanted or why},
            generation=self.store.latest(),
            erasures_since=self.records.note("erasures since"),
        )
        if replace(have, erasures_since="") == replace(self._reported, erasures_since=""):
            return
        if self._transport.connected:
            message = signed(
                "have", self.membership.fleet, self.records.next_number(), have.content(), self._key
            )
            self._transport.publish(self.inbox.topics.have(self.membership.box), message.data)
            self._reported = have

    def _settle_and_refill(self, goal: "_Goal") -> None:
        if not self._transport.connected or self._clock() - self._heard_at < self._settle:
            return
        if not self.settled:
            self.settled, self._due = True, True
        if self._clock() - self._noted_at >= _NOTE_SECONDS:
            self._noted_at = self._clock()
            self.records.set_note("erasures since", now())
        self.refill.step(goal.wanted, self._data_of)

    # What the parts read.

    def haves(self) -> list[Have]:
        """Return what the boxes report, this one not included."""
        fleet = self.membership.fleet
        return [read_have(verified(data, fleet)) for _, data in self.records.messages("have")]

    def summary(self) -> dict[str, int | str]:
        """Return what the box holds, in numbers."""
        held = holdings(self.store.settings).values()
        return {
            "generation": self.store.latest(),
            "held": sum(not one.refused for one in held),
            "refused": sum(bool(one.refused) for one in held) + len(self.exchange.unusable),
            "fetching": self.fetching,
            "erasures_since": self.records.note("erasures since"),
        }

    def _wanted(self) -> dict[str, tuple[Offer, ...]]:
        roster, member = self.inbox.roster, self.inbox.member
        haves = self.haves() if member.ring > 0 else []

        def opened(offer: Offer) -> bool:
            # Once is for good: later changes of the list of members close no ring.
            name = f"opened {offer.group} {offer.pack}"
            if member.ring == 0 or self.records.number(name):
                return True
            if is_open(offer, member, roster, haves):
                self.records.set_number(name, 1)
                return True
            return False

        return wanted(
            self.records.offers(),
            self.records.tombstones(),
            roster,
            member,
            self.store.settings["fingerprint"],
            opened,
        )

    def _goal(self) -> "_Goal":
        found = self._wanted()
        known = {pack: self.accounts.content(pack) for pack in found}
        known |= {pack: content_of(one) for pack, (one, _) in self.exchange.opened.items() if pack in found}
        contents = {pack: content for pack, content in known.items() if content is not None}
        lessons = {pack: (one.label, one.lesson) for pack, one in contents.items()}
        return _Goal(found, set(found) - (lessons.keys() - distinct(lessons)), contents)

    def _names(self, goal: "_Goal", packs: set[str]) -> dict[str, str]:
        known = {
            pack: (one.label, one.key)
            for pack, one in goal.contents.items()
            if pack in packs and pack in goal.packs
        }
        return class_names(known, self.inbox.roster.names)

    def _data_of(self, pack: str) -> bytes | None:
        opened = self.exchange.opened.get(pack)
        return opened[1] if opened else self.accounts.data(pack)

    def _scrub(self) -> None:
        """Empty the write-ahead log after an erasure that found another process reading it."""
        if self._unscrubbed and self._clock() >= self._scrub_at:
            self._scrub_at = self._clock() + _SCRUB_SECONDS
            if self.store.checkpoint(wait=True):
                self.records.set_note("unscrubbed", "")
                self._due = True

    @property
    def _unscrubbed(self) -> set[str]:
        return set(json.loads(self.records.note("unscrubbed") or "[]"))

    @property
    def _judged(self) -> dict[str, str]:
        return dict(json.loads(self.records.note("judged") or "{}"))

    @property
    def _is_pinned(self) -> bool:
        return bool(self.records.note(PINNED))


@dataclass(frozen=True)
class _Goal:
    """What the box is to hold.

    Attributes:
        wanted: digest of a pack to the offers by which it is wanted.
        packs: the same without further packs of one lesson.
        contents: digest to what the pack holds, where it is known.
    """

    wanted: dict[str, tuple[Offer, ...]]
    packs: set[str]
    contents: dict[str, Content]
