"""The last answers that each page showed, with their pictures: they can be confirmed or corrected."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Container
from dataclasses import dataclass, field, replace

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.live import Place
from edge_tosca.quality.near_duplicates import NEAR_DUPLICATE_COSINE
from edge_tosca.results import Answer

MOST = 10
"""Answers of a strip: about 0.5 MB."""

MOST_STRIPS = 24
"""Regions and phones; a new one replaces the one that was silent longest."""

SAME_SECONDS = 10.0
"""Within which an answer with the same words belongs to the same object."""

Display = Place | str
"""What shows the answers: a region of the box's cameras, or a phone by its own name for itself."""


@dataclass(frozen=True, eq=False)
class StripAnswer:
    """An answer of a strip.

    Attributes:
        id: of the answer.
        image: its picture.
        label: the most probable class.
        unknown: whether it was called unknown.
        probability: of the label.
        at: time.time() of its first picture.
        truth: the class that a user named; None while nobody did.
    """

    id: str
    image: AnalysedImage
    label: str
    unknown: bool
    probability: float
    at: float = field(default_factory=time.time)
    truth: str | None = None


class AnswerStrips:
    """The last answers by region or phone: one entry an object, not one a frame."""

    def __init__(self) -> None:
        self._strips: OrderedDict[Display, deque[StripAnswer]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, display: Display, key: str, image: AnalysedImage, answer: Answer) -> None:
        """Add an answer, unless it says the same of the same object as the last one.

        Args:
            display: that shows it.
            key: id of the answer.
            image: its picture.
            answer: of the learner.
        """
        with self._lock:
            strip = self._strips.setdefault(display, deque(maxlen=MOST))
            self._strips.move_to_end(display)
            while len(self._strips) > MOST_STRIPS:
                self._strips.popitem(last=False)
            new = StripAnswer(key, image, answer.label, answer.unknown, answer.probability)
            if not (strip and _same(strip[-1], new)):
                strip.append(new)

    def of(self, display: Display) -> list[StripAnswer]:
        """Return the answers of a region or phone, the newest first."""
        with self._lock:
            return list(reversed(self._strips.get(display, ())))

    def newest(self, display: Display) -> str | None:
        """Return the id of the newest answer; None if there is none."""
        with self._lock:
            strip = self._strips.get(display)
            return strip[-1].id if strip else None

    def find(self, key: str) -> StripAnswer | None:
        """Return an answer by its id; None if there is none."""
        with self._lock:
            return next((one for strip in self._strips.values() for one in strip if one.id == key), None)

    def mark(self, key: str, label: str) -> None:
        """Record the class that a user named for an answer; nothing happens if it is gone."""
        with self._lock:
            for strip in self._strips.values():
                for place, one in enumerate(strip):
                    if one.id == key:
                        strip[place] = replace(one, truth=label)

    def drop(self, labels: Container[str]) -> None:
        """Remove the answers that name some classes: they were forgotten."""
        with self._lock:
            for display, strip in self._strips.items():
                kept = [one for one in strip if one.label not in labels and one.truth not in labels]
                self._strips[display] = deque(kept, maxlen=MOST)


def _same(last: StripAnswer, new: StripAnswer) -> bool:
    # Which known class an unknown object resembles most changes from frame to frame.
    if last.unknown != new.unknown or (last.label != new.label and not new.unknown):
        return False
    if new.at - last.at < SAME_SECONDS:
        return True
    same_width = len(last.image.normalized) == len(new.image.normalized)
    return same_width and float(last.image.normalized @ new.image.normalized) >= NEAR_DUPLICATE_COSINE
