"""Messages and bytes of a fleet without faults."""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fleet.boxes import Boxes
from tests.fleet.counting import Traffic, kind_of


@dataclass(frozen=True)
class Cost:
    """What a fleet costs.

    Attributes:
        boxes: number of boxes.
        classes: number of classes that were taught before.
        all_messages: messages to and from the broker until all boxes knew all classes.
        all_bytes_box: bytes that a box sent and got until then, on average.
        lesson_sent: kind to number of messages to the broker for one more class.
        lesson_sent_bytes: kind to their bytes.
        lesson_came: kind to number of deliveries of the broker for one more class.
        lesson_came_bytes: kind to their bytes.
        retained: kind to the number of retained messages at the end.
        retained_bytes: kind to their bytes.
    """

    boxes: int
    classes: int
    all_messages: int
    all_bytes_box: int
    lesson_sent: dict[str, int]
    lesson_sent_bytes: dict[str, int]
    lesson_came: dict[str, int]
    lesson_came_bytes: dict[str, int]
    retained: dict[str, int]
    retained_bytes: dict[str, int]

    def to_json(self) -> dict[str, object]:
        """Return the values as JSON can hold them."""
        return asdict(self)


def cost(folder: Path, boxes: int, classes: int, seed: int = 0) -> Cost:
    """Teach classes one by one at boxes in turn, and then one more.

    Args:
        folder: for the stores.
        boxes: number of boxes.
        classes: number of classes.
        seed: of everything that is drawn.

    Returns:
        What was counted.
    """
    fleet = Boxes(folder, {f"box{number:03}": {} for number in range(boxes)}, seed)
    for number in range(classes):
        fleet.teach(fleet.members[number % boxes], f"class {number:03}")
    fleet.run()
    before = _total(fleet)
    fleet.teach(fleet.members[0], "one more")
    fleet.run()
    lesson = _total(fleet).since(before)
    number, size = Counter[str](), Counter[str]()
    for topic, payload in fleet.broker.retained.items():
        number[kind_of(topic)] += 1
        size[kind_of(topic)] += len(topic) + len(payload)
    fleet.close()
    return Cost(
        boxes=boxes,
        classes=classes,
        all_messages=sum(before.sent.values()) + sum(before.came.values()),
        all_bytes_box=(sum(before.sent_bytes.values()) + sum(before.came_bytes.values())) // boxes,
        lesson_sent=dict(lesson.sent),
        lesson_sent_bytes=dict(lesson.sent_bytes),
        lesson_came=dict(lesson.came),
        lesson_came_bytes=dict(lesson.came_bytes),
        retained=dict(number),
        retained_bytes=dict(size),
    )


def _total(fleet: Boxes) -> Traffic:
    total = Traffic()
    for one in fleet.running.values():
        total = total.plus(one.traffic)
    return total
