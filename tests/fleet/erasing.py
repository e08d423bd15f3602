"""A class that is forgotten while a box is away: what is left of it, and which answers name it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.fleet.boxes import Boxes
from tests.fleet.lessons import features, questions

from edge_tosca.packs.fleet.holdings import holdings
from edge_tosca.packs.fleet.messages import verified
from edge_tosca.packs.fleet.reports import read_have
from edge_tosca.store.maintenance import compact

LABEL = "zylinderkopf 7f3a91"
"""Names nothing else, so that its bytes are found wherever they are."""


@dataclass(frozen=True)
class Erased:
    """A run.

    Attributes:
        boxes: number of boxes; the last one is away when the class is forgotten.
        knew: boxes that named the class before.
        named: boxes that named it after they had heard of the erasure.
        left: files and topics with bytes of its features or of its blob, after `compact`.
        name_left: files with its name, which the history of a store keeps.
        confirmed_without: boxes that report the erasure while one is away.
        confirmed: boxes that report it at the end.
        agree: all boxes answer alike at the end, bit for bit.
        found_before: files and topics with bytes of the class before: the search finds what is there.
    """

    boxes: int
    knew: int
    confirmed_without: int
    confirmed: int
    agree: bool
    named: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    name_left: list[str] = field(default_factory=list)
    found_before: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing is left, nothing named the class, and every box has confirmed."""
        away = self.confirmed_without < self.boxes
        return (
            self.agree
            and away
            and self.confirmed == self.boxes
            and not self.named
            and not self.left
            and bool(self.found_before)
        )

    def to_json(self) -> dict[str, object]:
        """Return the values as JSON can hold them."""
        return asdict(self)


def erase(folder: Path, boxes: int, classes: int, seed: int = 0) -> Erased:
    """Teach classes, take a box away, forget one of them, replay everything, and bring the box back.

    Args:
        folder: for the stores.
        boxes: number of boxes.
        classes: number of classes, besides the one that is forgotten.
        seed: of everything that is drawn.

    Returns:
        What was found.
    """
    fleet = Boxes(folder, {f"box{number:03}": {} for number in range(boxes)}, seed)
    away, teacher = fleet.members[-1], fleet.members[0]
    labels = [f"class {number:03}" for number in range(classes)]
    for number, label in enumerate(labels):
        fleet.teach(fleet.members[number % boxes], label)
    # A lesson of two classes, of which one is forgotten.
    fleet.teach(teacher, LABEL, "beside it")
    fleet.run()
    asked = questions([LABEL])
    held = [one.packs for one in fleet.running.values()]
    knew = sum(_names_it(fleet, name) for name in fleet.running)
    marks = _marks(fleet, teacher)
    before = _search(fleet, marks)
    fleet.stop(away, killed=True)
    history = list(fleet.broker.history)
    fleet.running[teacher].learner.forget(LABEL)
    named = set()
    fleet.run(rounds=30)
    pack = (held[0] - fleet.running[teacher].packs).pop()
    confirmed_without = _confirmed(fleet, pack)
    for topic, payload in history:
        if payload and "/hello" not in topic:
            fleet.broker.publish(topic, payload)
    back = False
    for number in range(60):
        fleet.step()
        if number == 10:
            fleet.start(away)
        back = back or (number > 10 and fleet.running[away].box.settled)
        for name in fleet.running:
            # The box that returns asks the broker first and answers then.
            if (name != away or back) and _names_it(fleet, name):
                named.add(name)
    fleet.run()
    for one in fleet.running.values():
        compact(one.box.store)
    agree = len(set(fleet.answers(asked).values())) == 1
    found = Erased(
        boxes=boxes,
        knew=knew,
        confirmed_without=confirmed_without,
        confirmed=_confirmed(fleet, pack),
        agree=agree,
        named=sorted(named),
        left=_search(fleet, marks),
        name_left=_search(fleet, [LABEL.encode()]),
        found_before=before,
    )
    fleet.close()
    return found


def _names_it(fleet: Boxes, name: str) -> bool:
    learner = fleet.running[name].learner
    asked = features(LABEL, fleet.members[0]).astype("float32")
    return any(
        LABEL in {answer.label, *(guess.label for guess in answer.top)}
        for answer in learner.predict_features(asked, top=1000)
    )


def _marks(fleet: Boxes, teacher: str) -> list[bytes]:
    """Return bytes that only the class has: each of its features, and the blob on the broker."""
    running = fleet.running[teacher]
    marks = [row.tobytes() for row in features(LABEL, teacher)]
    label_of = {group.id: group.label for group in running.learner.state.groups}
    for pack, holding in holdings(running.box.store.settings).items():
        if label_of.get(holding.group) == LABEL:
            marks.append(fleet.broker.retained[fleet.topics.blob(pack)][64:128])
    return marks


def _search(fleet: Boxes, marks: list[bytes]) -> list[str]:
    found = [
        path.relative_to(fleet.folder).as_posix()
        for path in sorted(fleet.folder.rglob("*"))
        if path.is_file() and any(mark in path.read_bytes() for mark in marks)
    ]
    found += [
        topic for topic, payload in fleet.broker.retained.items() if any(mark in payload for mark in marks)
    ]
    return found


def _confirmed(fleet: Boxes, pack: str) -> int:
    topics = [fleet.topics.have(name) for name in fleet.members]
    reports = [fleet.broker.retained[topic] for topic in topics if topic in fleet.broker.retained]
    return sum(pack in read_have(verified(data, "shop")).deleted for data in reports)
