"""Queue of the pictures that wait to be taught, with a check of their quality."""

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.console.app_state.sharpness import BLURRED_BELOW
from edge_tosca.quality.gate import ONE_VIEW_COSINE
from edge_tosca.quality.near_duplicates import NEAR_DUPLICATE_COSINE

MOST = 600
"""Pictures in all classes together: about 25 MB of small copies, and 3 MB of features."""

MOST_OF_A_CLASS = 200

FEW = 10
"""Pictures of a class below which the page asks for more."""

DARK_BELOW = 25.0
BRIGHT_ABOVE = 235.0
"""Mean grey levels, of 0 .. 255, beyond which a picture shows nothing."""


Flaw = Literal["blurred", "copy", "dark", "bright"]
"""Fault of a picture."""

Lack = Literal["few", "alike"]
"""Fault of a class's pictures: too few, or too similar."""


@dataclass(frozen=True, eq=False)
class QueuedImage:
    """A picture that waits to be taught.

    Attributes:
        id: a random token.
        image: the picture.
        hint: its fault, None if there is none.
        at: time.time() of its arrival.
    """

    id: str
    image: AnalysedImage
    hint: Flaw | None
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Added:
    """Result of adding a picture to the queue.

    Attributes:
        id: of the picture; None if it was refused.
        accepted: whether it was added.
        reason: why it was refused: its fault, or "full".
        hint: its fault, whether it was added or not.
        count: pictures of its class now.
    """

    id: str | None
    accepted: bool
    reason: Flaw | Literal["full"] | None
    hint: Flaw | None
    count: int


class Queue:
    """Pictures by class, at most MOST in all and MOST_OF_A_CLASS of each."""

    def __init__(self) -> None:
        self._classes: dict[str, list[QueuedImage]] = {}
        self._lock = threading.Lock()

    def add(self, label: str, image: AnalysedImage, *, force: bool = False) -> Added:
        """Add a picture, unless it is blurred, badly lit, or a near duplicate of a queued one.

        Args:
            label: of the class.
            image: the picture.
            force: add it in spite of a fault, as long as there is room.

        Returns:
            Whether it was added, and its fault.
        """
        with self._lock:
            waiting = self._classes.get(label, [])
            hint = self._hint(waiting, image)
            reason: Flaw | Literal["full"] | None = None if force else hint
            if len(waiting) >= MOST_OF_A_CLASS or self._count() >= MOST:
                reason = "full"
            if reason is not None:
                return Added(None, False, reason, hint, len(waiting))
            picture = QueuedImage(secrets.token_urlsafe(12), image, hint)
            self._classes.setdefault(label, []).append(picture)
            return Added(picture.id, True, None, hint, len(self._classes[label]))

    def room(self, label: str, pictures: int) -> bool:
        """Return whether so many more pictures of a class can wait."""
        with self._lock:
            in_all = self._count() + pictures <= MOST
            return in_all and len(self._classes.get(label, [])) + pictures <= MOST_OF_A_CLASS

    def classes(self) -> dict[str, list[QueuedImage]]:
        """Return all pictures by class."""
        with self._lock:
            return {label: list(waiting) for label, waiting in self._classes.items()}

    def picture(self, key: str) -> QueuedImage | None:
        """Return a picture by its id; None if there is none."""
        with self._lock:
            return next((one for some in self._classes.values() for one in some if one.id == key), None)

    def remove(self, key: str) -> bool:
        """Remove a picture by its id; return False if there is none."""
        with self._lock:
            for label, waiting in self._classes.items():
                for one in waiting:
                    if one.id == key:
                        self._drop(label, [one])
                        return True
        return False

    def rename(self, key: str, label: str) -> bool:
        """Move a picture to another class; return False if there is no room, or no such picture."""
        with self._lock:
            for old, waiting in list(self._classes.items()):
                for one in waiting:
                    if one.id != key:
                        continue
                    if old == label:
                        return True
                    if len(self._classes.get(label, [])) >= MOST_OF_A_CLASS:
                        return False
                    self._drop(old, [one])
                    self._classes.setdefault(label, []).append(one)
                    return True
        return False

    def clear(self, label: str | None = None) -> int:
        """Remove all pictures, or those of a class; return their number."""
        with self._lock:
            labels = [label] if label is not None else list(self._classes)
            return sum(len(self._classes.pop(name, [])) for name in labels)

    def drop(self, taught: Sequence[QueuedImage]) -> None:
        """Remove pictures that were taught."""
        with self._lock:
            for label in list(self._classes):
                self._drop(label, taught)

    def bring_back(self, label: str, pictures: Sequence[QueuedImage]) -> int:
        """Add removed pictures again, as far as there is room; return their number."""
        with self._lock:
            room = min(MOST - self._count(), MOST_OF_A_CLASS - len(self._classes.get(label, [])))
            back = list(pictures[: max(room, 0)])
            if back:
                self._classes.setdefault(label, []).extend(back)
            return len(back)

    def hints(self, waiting: Sequence[QueuedImage], *, known: bool = False) -> list[Lack]:
        """List the faults of a class's pictures.

        Args:
            waiting: the pictures.
            known: the class has pictures already, so that a few corrections are welcome.
        """
        hints: list[Lack] = []
        if known:
            return hints
        if 0 < len(waiting) < FEW:
            hints.append("few")
        if len(waiting) > 2:
            z = np.stack([one.image.normalized for one in waiting])
            total = z.sum(axis=0, dtype=np.float64)
            n = len(z)
            if float(total @ total - n) / (n * (n - 1)) >= ONE_VIEW_COSINE:
                hints.append("alike")
        return hints

    def _hint(self, waiting: Sequence[QueuedImage], image: AnalysedImage) -> Flaw | None:
        if image.brightness < DARK_BELOW:
            return "dark"
        if image.brightness > BRIGHT_ABOVE:
            return "bright"
        if image.sharpness < BLURRED_BELOW:
            return "blurred"
        for one in waiting:
            if float(one.image.normalized @ image.normalized) >= NEAR_DUPLICATE_COSINE:
                return "copy"
        return None

    def _drop(self, label: str, pictures: Sequence[QueuedImage]) -> None:
        gone = {one.id for one in pictures}
        left = [one for one in self._classes[label] if one.id not in gone]
        if left:
            self._classes[label] = left
        else:
            del self._classes[label]

    def _count(self) -> int:
        return sum(len(waiting) for waiting in self._classes.values())
