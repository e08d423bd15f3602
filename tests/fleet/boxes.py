"""Boxes of a fleet in one process: real stores, a broker in memory, and a clock that the test advances."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.fleet.counting import CountingTransport, Traffic
from tests.fleet.lessons import SETTINGS, answers, features

from edge_tosca.arrays import Array
from edge_tosca.learner.learner import Learner
from edge_tosca.packs.fleet.administration import Administration
from edge_tosca.packs.fleet.box import Box
from edge_tosca.packs.fleet.hello import last_will
from edge_tosca.packs.fleet.holdings import holdings
from edge_tosca.packs.fleet.membership import (
    Membership,
    folder_of,
    load_membership,
    read_invitation,
    save_membership,
)
from edge_tosca.packs.fleet.memory_broker import MemoryBroker, MemoryTransport
from edge_tosca.packs.fleet.records import Records
from edge_tosca.packs.fleet.topics import Topics
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

FLEET = "shop"
ROUND_SECONDS = 0.5


@dataclass
class RecordingBroker(MemoryBroker):
    """A broker that notes every message, for those who replay them.

    Attributes:
        history: all that was ever published, the empty messages too.
    """

    history: list[tuple[str, bytes]] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes) -> None:
        """Note a message, retain it and deliver it."""
        self.history.append((topic, payload))
        super().publish(topic, payload)


@dataclass
class Running:
    """A box that runs.

    Attributes:
        box: the box.
        learner: of its store.
        line: its connection.
        traffic: what it sent and got since it was made.
    """

    box: Box
    learner: Learner
    line: MemoryTransport
    traffic: Traffic

    @property
    def packs(self) -> set[str]:
        """The packs that the store holds."""
        return set(holdings(self.box.store.settings))


class Boxes:
    """A fleet around one broker.

    Args:
        folder: for its files.
        members: name of a box to the options of its invitation.
        seed: of everything that is drawn.
        settings: name of a box to settings of its store that differ.
        alike: all boxes are to hold the same packs.
        create: further options of the fleet.
    """

    def __init__(
        self,
        folder: Path,
        members: dict[str, dict[str, object]],
        seed: int = 0,
        settings: dict[str, dict[str, str]] | None = None,
        *,
        alike: bool = True,
        **create: str,
    ) -> None:
        self.alike = alike
        self.folder, self.seed, self.now = folder, seed, 1000.0
        self.random = Random(seed)
        self.broker = RecordingBroker(seed=seed)
        self.admin = Administration.create(folder / "fleet", FLEET, "mqtt://broker", **create)
        self.topics = Topics(FLEET)
        self.running: dict[str, Running] = {}
        self.members = list(members)
        self.rounds = 0
        self._traffic = {name: Traffic() for name in members}
        for name, options in members.items():
            self.admin.invite(self._invitation(name), name, **options)  # type: ignore[arg-type]
        self.publish_roster()
        for name in members:
            membership = read_invitation(self._invitation(name), datetime.now(UTC))
            store = Store.create(self.path(name), {**SETTINGS, **(settings or {}).get(name, {})})
            save_membership(store.path, membership)
            self._open(name, store, membership)

    def _invitation(self, name: str) -> Path:
        return self.folder / f"{name}.invitation"

    def path(self, name: str) -> Path:
        """Return the path of a box's store."""
        return self.folder / f"{name}.tosca"

    def publish_roster(self) -> None:
        """Publish the list of members, as the administrator does."""
        self.broker.publish(self.topics.roster(), self.admin.message().data)

    def start(self, name: str) -> Running:
        """Start the program of a box again."""
        return self._open(name, Store.open(self.path(name)), load_membership(self.path(name)))

    def _open(self, name: str, store: Store, membership: Membership) -> Running:
        records = Records(folder_of(store.path) / "records.db", FLEET)
        line = self.broker.client(last_will(store, membership, records))
        records.close()
        if not self.broker.up:
            line.connected, line.sessions = False, 0
        box = Box(
            store,
            membership,
            CountingTransport(line, self._traffic[name]),
            clock=lambda: self.now,
            settle=ROUND_SECONDS,
            random=Random(f"{self.seed} {name}"),
        )
        made = Running(box, Learner(store, FeatureExtractor()), line, self._traffic[name])
        self.running[name] = made
        return made

    def stop(self, name: str, *, killed: bool = False) -> None:
        """End the program of a box.

        Args:
            name: of the box.
            killed: its connection breaks off without a word, and what was on its way is lost.
        """
        one = self.running.pop(name)
        if killed:
            one.line.break_off()
        one.box.close()
        one.box.store.close()

    def step(self, names: Iterable[str] | None = None) -> None:
        """Let half a second pass, in which each box does one step, in any order."""
        self.now += ROUND_SECONDS
        self.rounds += 1
        order = sorted(self.running if names is None else names)
        self.random.shuffle(order)
        for name in order:
            if name in self.running:
                self.running[name].box.step(0)

    def teach(self, name: str, *labels: str) -> None:
        """Teach a box a lesson of some classes."""
        lessons = {label: features(label, name) for label in labels}
        self.running[name].learner.learn_features(lessons, force=True)

    def is_quiet(self) -> bool:
        """Return whether all boxes run, are connected, have all they want, and hold the same packs."""
        if set(self.running) != set(self.members):
            return False
        boxes = list(self.running.values())
        if not all(one.line.connected and one.box.settled and not one.box.fetching for one in boxes):
            return False
        if any(one.line.queue for one in boxes):
            return False
        return not self.alike or all(one.packs == boxes[0].packs for one in boxes)

    def run(self, rounds: int = 400, quiet: int = 6) -> int:
        """Let time pass until nothing happens.

        Args:
            rounds: at most.
            quiet: rounds without an event that are enough.

        Returns:
            Rounds until the fleet was quiet; -1 where it never was.
        """
        still = 0
        for number in range(rounds):
            before = {name: one.box.store.latest() for name, one in self.running.items()}
            self.step()
            after = {name: one.box.store.latest() for name, one in self.running.items()}
            still = still + 1 if self.is_quiet() and before == after else 0
            if still == quiet:
                return number + 1 - quiet
        return -1

    def answers(self, asked: Array) -> dict[str, str]:
        """Return the digest of what each box answers."""
        return {name: answers(one.learner, asked) for name, one in self.running.items()}

    def close(self) -> None:
        """End all programs."""
        for name in list(self.running):
            self.stop(name)
