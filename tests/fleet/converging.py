"""Boxes that teach at random places under faults, and what all of them answer in the end."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fleet.boxes import ROUND_SECONDS, Boxes
from tests.fleet.faults import Faults
from tests.fleet.lessons import QUERIES, questions


@dataclass(frozen=True)
class Converged:
    """A run.

    Attributes:
        boxes: number of boxes.
        classes: number of classes that were taught.
        packs: number of packs that all boxes hold at the end; -1 where they differ.
        taught: number of lessons of one class; a class that two boxes taught has two.
        faults: kind of fault to how often it happened.
        seconds: from the last fault to the same packs everywhere, in the time of the test; -1 for never.
        answers: how many different sets of answers to the questions the boxes give; 1 where they agree bit
            for bit.
        labels: how many classes a box knows.
        questions: number of questions.
        sent_bytes: of a box on average.
        came_bytes: of a box on average.
    """

    boxes: int
    classes: int
    packs: int
    taught: int
    faults: dict[str, int]
    seconds: float
    answers: int
    labels: int
    questions: int
    sent_bytes: int
    came_bytes: int

    @property
    def holds(self) -> bool:
        """Whether the boxes hold the same and answer the same, bit for bit, and know all classes."""
        return (
            self.seconds >= 0
            and self.answers == 1
            and self.labels == self.classes
            and self.packs == self.taught
        )

    def to_json(self) -> dict[str, object]:
        """Return the values as JSON can hold them."""
        return asdict(self)


def converge(folder: Path, boxes: int, classes: int, seed: int = 0) -> Converged:
    """Teach classes at random boxes under faults, end the faults, and compare the boxes.

    Every tenth class is taught at two boxes, with different pictures.

    Args:
        folder: for the stores.
        boxes: number of boxes.
        classes: number of classes.
        seed: of everything that is drawn.

    Returns:
        What was found.
    """
    fleet = Boxes(folder, {f"box{number:03}": {} for number in range(boxes)}, seed)
    faults = Faults(fleet)
    labels = [f"class {number:03}" for number in range(classes)]
    lessons = _lessons(fleet, labels)
    packs = sum(len(taught) for _, taught in lessons)
    faults.begin()
    while lessons:
        faults.round()
        name, taught = lessons[-1]
        if name not in fleet.running:
            fleet.random.shuffle(lessons)
        elif fleet.random.random() < 0.7:
            fleet.teach(name, *taught)
            lessons.pop()
    faults.end()
    rounds = fleet.run()
    found = set(fleet.answers(questions(labels)).values())
    known = {len(one.learner.state.labels) for one in fleet.running.values()}
    total = sum(sum(one.traffic.sent_bytes.values()) for one in fleet.running.values())
    came = sum(sum(one.traffic.came_bytes.values()) for one in fleet.running.values())
    held = {frozenset(one.packs) for one in fleet.running.values()}
    fleet.close()
    return Converged(
        boxes=boxes,
        classes=classes,
        packs=len(held.pop()) if len(held) == 1 else -1,
        taught=packs,
        faults=dict(sorted(faults.counts.items())),
        seconds=rounds * ROUND_SECONDS if rounds >= 0 else -1.0,
        answers=len(found),
        labels=min(known) if len(known) == 1 else -1,
        questions=QUERIES,
        sent_bytes=total // boxes,
        came_bytes=came // boxes,
    )


def _lessons(fleet: Boxes, labels: list[str]) -> list[tuple[str, list[str]]]:
    """Draw lessons of one to three classes and the boxes that teach them."""
    places: dict[str, list[str]] = {name: [] for name in fleet.members}
    for number, label in enumerate(labels):
        for name in fleet.random.sample(fleet.members, 2 if number % 10 == 0 else 1):
            places[name].append(label)
    found = []
    for name, taught in places.items():
        while taught:
            size = fleet.random.randint(1, 3)
            found.append((name, taught[:size]))
            del taught[:size]
    fleet.random.shuffle(found)
    return found
