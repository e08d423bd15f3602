"""Bring the store of a box to its goal: erase, import, judge, and follow changes made on the box itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.errors import LearnError, PackError, StoreError
from edge_tosca.learner.restore import erase_in_copies
from edge_tosca.packs.fleet.accounts import Accounts
from edge_tosca.packs.fleet.applying import erase_packs, import_packs, refusal, refuse
from edge_tosca.packs.fleet.commands import PINNED
from edge_tosca.packs.fleet.converge import deleted
from edge_tosca.packs.fleet.exchange import Exchange
from edge_tosca.packs.fleet.goal import Goal, find_goal, wanted_packs
from edge_tosca.packs.fleet.holdings import FORGOTTEN, held_packs, release_all, undone
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.offering import Offering
from edge_tosca.packs.fleet.reports import Have
from edge_tosca.packs.fleet.rings import has_rings, verdict
from edge_tosca.store.store import Store

_GATHER_SECONDS = 1.0
_MOST_AT_ONCE = 64
_MOST_BYTES = 16 << 20
_SCRUB_SECONDS = 5.0


@dataclass
class Holder:
    """The store of one box.

    Attributes:
        store: of the box.
        inbox: of the box.
        exchange: its blobs.
        accounts: what it knows of packs.
        offering: what it publishes.
        clock: monotonic seconds.
        log: called with lines about what is done.
        key_file: with the store's key, for copies of the store.
        came_at: when the last pack came.
        fetching: number of wanted packs that are not here yet.
    """

    store: Store
    inbox: Inbox
    exchange: Exchange
    accounts: Accounts
    offering: Offering
    clock: Callable[[], float]
    log: Callable[[str], None]
    key_file: Path | None = None
    came_at: float = 0.0
    fetching: int = 0
    _scrub_at: float = 0.0
    _one_by_one: bool = False

    def follow_local_changes(self) -> None:
        """Refuse what was rolled back here; delete from the fleet what was forgotten here."""
        if restored := self._restored():
            refuse(self.store, dict.fromkeys(restored, ""))
        found = undone(self.store)
        if not found:
            return
        offers = wanted_packs(self.inbox, self.store.settings["fingerprint"])
        member, refused = self.inbox.member, {}
        for pack, reason in found.items():
            groups = {offer.group for offer in offers.get(pack, ())}
            if reason == FORGOTTEN and all(member.may_delete(group, 1) for group in groups):
                for group in groups:
                    self.offering.delete(pack, group, "forget")
            else:
                refused[pack] = reason
        if refused:
            refuse(self.store, refused)

    def erase(self, goal: Goal) -> bool:
        """Erase the packs that are not wanted, with all that came of them.

        Args:
            goal: what the box is to hold.

        Returns:
            Whether there were any.

        Raises:
            StoreError: the store cannot be written.
        """
        self._release_after_migration()
        gone = held_packs(self.store).keys() - goal.packs
        self.exchange.keep_only(goal.wanted.keys())
        if not gone:
            return False
        self.log(f"erasing {len(gone)} of the fleet's packs")
        pending = self.unscrubbed
        self._note("unscrubbed", sorted(gone | pending))
        try:
            erase_packs(self.store, gone)
            self._note("unscrubbed", sorted(pending))
        except StoreError as error:
            if held_packs(self.store).keys() & gone:
                raise
            # Erased, but another process still reads the log.
            self.log(str(error))
        for pack in gone:
            self.accounts.drop(pack)
        copies = erase_in_copies(self.store.path, self.key_file)
        self._note("copies", [str(one.path) for one in copies if one.state != "erased"])
        return True

    def scrub(self) -> bool:
        """Empty the write-ahead log after an erasure that found another process reading it.

        Returns:
            Whether that was left to do, and is done.
        """
        if not self.unscrubbed or self.clock() < self._scrub_at:
            return False
        self._scrub_at = self.clock() + _SCRUB_SECONDS
        if not self.store.checkpoint(wait=True):
            return False
        self._note("unscrubbed", [])
        return True

    def import_wanted(self, goal: Goal) -> bool:
        """Ask for the packs that are wanted, and import those that are here.

        Args:
            goal: what the box is to hold.

        Returns:
            Whether the store was changed.

        Raises:
            StoreError: the store cannot be written.
        """
        held = held_packs(self.store)
        offers = [goal.wanted[pack][0] for pack in sorted(goal.packs) if pack not in held]
        if self.is_pinned:
            self.fetching = 0
            return False
        if self.exchange.ask(offers):
            goal = find_goal(self.inbox, self.accounts, self.exchange)
        for pack, (content, _) in list(self.exchange.opened.items()):
            if pack in goal.wanted and (reason := refusal(self.store, content, goal.wanted[pack][0].key)):
                self.exchange.unusable[pack] = reason
                del self.exchange.opened[pack]
        opened = self.exchange.opened
        ready = {pack: one for pack, one in opened.items() if pack in goal.packs and pack not in held}
        self.fetching = sum(one.pack not in {*ready, *self.exchange.unusable} for one in offers)
        # Many at once: the router is solved once.
        size = sum(len(data) for _, data in ready.values())
        waits = self.fetching and self.clock() - self.came_at < _GATHER_SECONDS
        if waits and len(ready) < _MOST_AT_ONCE and size < _MOST_BYTES:
            return False
        judging = has_rings(self.inbox.roster) and self.inbox.member.ring == 0
        # One at a time where each is judged: the next one is not to be measured beside a bad one.
        batch = sorted(ready)[:1] if judging or self._one_by_one else sorted(ready)
        names = goal.names(set(batch) | held.keys(), self.inbox.roster.names)
        try:
            packs = {pack: ready[pack][0] for pack in batch}
            applied = import_packs(self.store, packs, names, compare=judging)
        except (PackError, LearnError) as error:
            # A pack that passed all checks and cannot be imported keeps no other one back.
            if len(batch) == 1:
                self.exchange.unusable[batch[0]] = str(error)
                del self.exchange.opened[batch[0]]
            self._one_by_one = True
            return False
        if applied.generation is None:
            return False
        for pack in batch:
            self.accounts.keep(pack, *ready[pack])
            del self.exchange.opened[pack]
        if judging:
            self._judge(batch, goal, verdict(applied.before, applied.after, self.inbox.roster.margin))
        return True

    def have(self, goal: Goal) -> Have:
        """Return what this box reports.

        Args:
            goal: what it is to hold.
        """
        held = held_packs(self.store)
        refused = {pack: one.refused for pack, one in held.items() if one.refused}
        refused |= {pack: why for pack, why in self.exchange.unusable.items() if pack in goal.wanted}
        refused |= dict.fromkeys(goal.wanted.keys() - goal.packs, "the same lesson as another pack")
        gone = {pack for _, pack in deleted(self.inbox.records.tombstones(), self.inbox.roster)}
        judged = self._judged
        if has_rings(self.inbox.roster) and self.inbox.member.ring == 0:
            # Those that were imported before there were rings are not judged.
            judged = {pack: "" for pack, one in held.items() if not one.refused} | judged
        return Have(
            key=self.inbox.public,
            held=tuple(sorted(pack for pack, one in held.items() if not one.refused)),
            refused=refused,
            deleted=tuple(sorted(gone - goal.wanted.keys() - held.keys() - self.unscrubbed)),
            missing=tuple(sorted(self.exchange.failed & goal.packs - held.keys())),
            judged={pack: why for pack, why in judged.items() if pack in goal.wanted or why},
            generation=self.store.latest(),
            erasures_since=self.inbox.records.note("erasures since"),
        )

    def data_of(self, pack: str) -> bytes | None:
        """Return the bytes of a pack that is here; None where it is not, or not whole."""
        opened = self.exchange.opened.get(pack)
        return opened[1] if opened else self.accounts.data(pack)

    @property
    def unscrubbed(self) -> set[str]:
        """Packs that were erased from the store while another process read its log."""
        return set(json.loads(self.inbox.records.note("unscrubbed") or "[]"))

    @property
    def is_pinned(self) -> bool:
        """Whether an administrator commanded that nothing is imported."""
        return bool(self.inbox.records.note(PINNED))

    @property
    def _judged(self) -> dict[str, str]:
        return dict(json.loads(self.inbox.records.note("judged") or "{}"))

    def _judge(self, batch: list[str], goal: Goal, reason: str) -> None:
        member = self.inbox.member
        self._note("judged", self._judged | dict.fromkeys(batch, reason))
        for pack in batch if reason else ():
            self.log(f"pack {pack[:12]}: {reason}")
            # A teacher's box may be the one that learned wrongly: it reports, and does not decide.
            for group in {offer.group for offer in goal.wanted[pack]} if "judge" in member.roles else ():
                if member.may_delete(group, 1):
                    self.offering.delete(pack, group, "rejected")

    def _release_after_migration(self) -> None:
        """Let go of packs of another backbone: what was migrated is this box's alone, and stays."""
        fingerprint = self.store.settings["fingerprint"]
        known = self.inbox.records.note("fingerprint")
        if known not in ("", fingerprint):
            release_all(self.store)
        if known != fingerprint:
            self.inbox.records.set_note("fingerprint", fingerprint)

    def _restored(self) -> set[str]:
        """Return the packs that were refused and are live again, as after a second rollback."""
        refused = {pack: one.group for pack, one in held_packs(self.store).items() if one.refused}
        live = {group.id for group in self.store.state().groups} if refused else set()
        return {pack for pack, group in refused.items() if group in live}

    def _note(self, name: str, value: object) -> None:
        self.inbox.records.set_note(name, json.dumps(value))
