"""A box of a fleet: it follows the broker, and makes its store hold what the fleet wants."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from edge_tosca.errors import EdgeToscaError, FleetError
from edge_tosca.packs.fleet.accounts import Accounts
from edge_tosca.packs.fleet.commands import carry_out
from edge_tosca.packs.fleet.exchange import Exchange, Objects
from edge_tosca.packs.fleet.goal import Goal, find_goal, haves_of
from edge_tosca.packs.fleet.hello import goodbye, hello
from edge_tosca.packs.fleet.holder import Holder
from edge_tosca.packs.fleet.holdings import held_packs
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.membership import Membership, folder_of
from edge_tosca.packs.fleet.messages import signed
from edge_tosca.packs.fleet.offering import Offering
from edge_tosca.packs.fleet.records import Records
from edge_tosca.packs.fleet.refill import Refill
from edge_tosca.packs.fleet.reports import Have
from edge_tosca.packs.fleet.rings import has_rings
from edge_tosca.packs.fleet.transport import Delivery, Transport
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.store import Store

WATCHED = 100
"""Members up to which every box reads what the others hold, and heals what a broker lost."""

_NOTE_SECONDS = 30.0
_ASK_SECONDS = 30.0


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
        settled: the broker of this session has sent what it retains, at least once.
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
        accounts, self._key = Accounts(self.inbox, store), membership.key()
        self.offering = Offering(store, self.inbox, self.exchange, self._key, log)
        self.holder = Holder(store, self.inbox, self.exchange, accounts, self.offering, clock, log, key_file)
        self.refill = Refill(self.inbox, self.exchange, random or Random(), clock)
        self._clock, self._settle, self._log = clock, settle, log
        self._session, self._delivered_at, self._noted_at = 0, clock(), -_NOTE_SECONDS
        self._due, self._generation, self._reported = True, -1, Have()
        self._reported_at, self._failed = 0.0, frozenset[str]()
        self._report_is_replaced = False
        self._goal, self._said, self._echoed = Goal(), Delivery("", b""), False
        self.settled = False

    @property
    def fetching(self) -> int:
        """Number of wanted packs that are not here yet."""
        return self.holder.fetching

    @property
    def offered(self) -> list[str]:
        """Digests of the packs that this box has offered since it was connected."""
        return self.offering.offered

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
        # Who holds what is missing here is asked again, since its answer may have been lost.
        again = self._reported.missing or self._report_is_replaced
        if again and self._clock() - self._reported_at >= _ASK_SECONDS:
            self._due, self._reported = True, Have()
        if self.offering.again_at is not None and self._clock() >= self.offering.again_at:
            self._due, self.offering.again_at = True, None
        if self._due:
            self.holder.follow_local_changes()
            self._share()
        changed = False
        if self._due or self.exchange.asked or self.exchange.opened:
            self._goal = find_goal(self.inbox, self.holder.accounts, self.exchange)
            changed = self.holder.erase(self._goal)
            changed = self.holder.import_wanted(self._goal) or changed
            failed = frozenset(self.exchange.failed)
            self._due, self._failed = self._due or failed != self._failed, failed
        # After a change once more: what was just published or deleted changes the goal.
        self._due = changed or self.holder.scrub() or (self._due and self._report())
        self._settle_and_refill()
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
        made = self.offering.publish(labels, group or self.membership.share)
        self._due = True
        return made

    def delete(self, pack: str, group: str, reason: str = "forget") -> None:
        """Set a tombstone: remove a pack from a group for good.

        Args:
            pack: its digest.
            group: the group.
            reason: of `edge_tosca.packs.fleet.converge.REASONS`.
        """
        self.offering.delete(pack, group, reason)
        self._due = True

    def look_again(self) -> None:
        """Let the next step look at everything, as after another share was set."""
        self._due = True

    def haves(self) -> list[Have]:
        """Return what the boxes report, as far as this box has read it."""
        return haves_of(self.inbox)

    def summary(self) -> dict[str, int | str]:
        """Return what the box holds, in numbers."""
        held = held_packs(self.store).values()
        return {
            "generation": self.store.latest(),
            "held": sum(not one.refused for one in held),
            "refused": sum(bool(one.refused) for one in held) + len(self.exchange.unusable),
            "fetching": self.fetching,
            "erasures_since": self.records.note("erasures since"),
        }

    # What follows are the parts of a step, in order.

    def _begin_session(self) -> None:
        if not self._transport.connected or self._transport.sessions == self._session:
            return
        self._session, self._delivered_at, self.settled = self._transport.sessions, self._clock(), False
        self.inbox.on_broker.clear()
        self.inbox.changes += 1
        topics, box = self.inbox.topics, self.membership.box
        self._transport.subscribe(topics.followed(box))
        self._watch()
        self.exchange.new_session()
        # It comes back after what the broker retains.
        self._said, self._echoed = hello(self.store, self.membership, self.records), False
        self._transport.publish(self._said.topic, self._said.payload)
        self._reported, self._due = Have(), True
        self.refill.look_for_missed()

    def _watch(self) -> None:
        """Ask for what the boxes report, where this box has a use for it."""
        if len(self.inbox.roster.members) <= WATCHED or has_rings(self.inbox.roster):
            self._transport.subscribe(self.inbox.topics.watched())

    def _take(self, deliveries: list[Delivery]) -> None:
        if not deliveries:
            return
        self._delivered_at = self._clock()
        with self.records.batch():
            for delivery in deliveries:
                self._echoed = self._echoed or delivery == self._said
                topic = self.inbox.take(delivery)
                if topic is None:
                    self._report_is_replaced |= self._replaces_report(delivery)
                    continue
                if topic.kind == "blob":
                    if self.exchange.take(topic.digest, delivery.payload):
                        self.holder.came_at = self._clock()
                    continue
                self._due = True
                if topic.kind == "roster" and self.inbox.incomplete:
                    self.inbox.incomplete = False
                    self._transport.subscribe((f"{self.inbox.topics.root}/set/#",))
                    self._watch()
                if topic.kind == "have":
                    self.refill.look_for_missed(topic.box)

    def _replaces_report(self, delivery: Delivery) -> bool:
        """Return whether a delivery that was not taken stands where the latest report of this box belongs."""
        box = self.membership.box
        if delivery.topic != self.inbox.topics.have(box):
            return False
        return delivery.payload != self.records.message("have", box, self._key.public)

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

    def _share(self) -> None:
        if self.membership.share and not self.holder.is_pinned:
            try:
                self.publish()
            except FleetError as error:
                self.inbox.count(str(error))

    def _report(self) -> bool:
        """Publish what this box holds, if it is something new; return whether that is left to do."""
        have = self.holder.have(self._goal)
        if replace(have, erasures_since="") == replace(self._reported, erasures_since=""):
            return False
        if self._transport.connected:
            number = self.records.next_number()
            message = signed("have", self.membership.fleet, number, have.content(), self._key)
            self._transport.publish(self.inbox.topics.have(self.membership.box), message.data)
            self._reported, self._reported_at = have, self._clock()
            self._report_is_replaced = False
        return False

    def _settle_and_refill(self) -> None:
        quiet = self._clock() - self._delivered_at >= self._settle
        if not self._transport.connected or not self._echoed or not quiet:
            return
        if not self.settled:
            self.settled, self._due = True, True
        if self._clock() - self._noted_at >= _NOTE_SECONDS:
            self._noted_at = self._clock()
            self.records.set_note("erasures since", now())
        self.refill.step(self._goal.wanted, self.holder.data_of)
