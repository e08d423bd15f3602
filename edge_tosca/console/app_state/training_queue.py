"""The pictures that wait to be taught, and what is wrong with them."""

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.console.app_state.sharpness import BLURRED_BELOW
from edge_tosca.quality.gate import ALIKE
from edge_tosca.quality.near_duplicates import COPY

MOST = 600
"""Pictures in all classes together: about 25 MB of small copies, and 3 MB of features."""

MOST_OF_A_CLASS = 200

FEW = 10
"""Pictures of a class below which more are asked for."""

DARK_BELOW = 25.0
BRIGHT_ABOVE = 235.0
"""Mean grey levels, of 0 .. 255, beyond which nothing can be seen in a picture."""


Flaw = Literal["blurred", "copy", "dark", "bright"]
"""What can be wrong with one picture."""

Lack = Literal["few", "alike"]
"""What a class can lack."""


@dataclass(frozen=True, eq=False)
class QueuedImage:
    """A picture that waits to be taught.

    Attributes:
        id: a random token.
        seen: the picture.
        hint: "blurred", "copy", "dark" or "bright" where something is wrong with it.
        at: time.time() at which it came.
    """

    id: str
    seen: AnalysedImage
    hint: Flaw | None
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Added:
    """What became of a picture.

    Attributes:
        id: of the picture; None where it was not taken.
        accepted: whether it was.
        reason: why not: "blurred", "copy", "dark", "bright" or "full".
        hint: what is wrong with it, the same words, whether it was taken or not.
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

    def add(self, label: str, seen: AnalysedImage, *, force: bool = False) -> Added:
        """Take a picture, unless it is blurred, badly lit, or a copy of one that waits already.

        Args:
            label: of the class.
            seen: the picture.
            force: take it whatever is wrong with it, as long as there is room.

        Returns:
            What became of it.
        """
        with self._lock:
            waiting = self._classes.get(label, [])
            hint = self._hint(waiting, seen)
            reason: Flaw | Literal["full"] | None = None if force else hint
            if len(waiting) >= MOST_OF_A_CLASS or self._count() >= MOST:
                reason = "full"
            if reason is not None:
                return Added(None, False, reason, hint, len(waiting))
            picture = QueuedImage(secrets.token_urlsafe(12), seen, hint)
            self._classes.setdefault(label, []).append(picture)
            return Added(picture.id, True, None, hint, len(self._classes[label]))

    def classes(self) -> dict[str, list[QueuedImage]]:
        """Give all pictures by class, as they are now."""
        with self._lock:
            return {label: list(waiting) for label, waiting in self._classes.items()}

    def picture(self, key: str) -> QueuedImage | None:
        """Find a picture by its id."""
        with self._lock:
            return next((one for some in self._classes.values() for one in some if one.id == key), None)

    def remove(self, key: str) -> bool:
        """Drop a picture; False where there is none."""
        with self._lock:
            for label, waiting in self._classes.items():
                for one in waiting:
                    if one.id == key:
                        self._drop(label, [one])
                        return True
        return False

    def clear(self, label: str | None = None) -> int:
        """Drop all pictures, or those of a class; gives their number."""
        with self._lock:
            labels = [label] if label is not None else list(self._classes)
            return sum(len(self._classes.pop(name, [])) for name in labels)

    def drop(self, taught: Sequence[QueuedImage]) -> None:
        """Drop pictures that were taught."""
        with self._lock:
            for label in list(self._classes):
                self._drop(label, taught)

    def bring_back(self, label: str, pictures: Sequence[QueuedImage]) -> int:
        """Let pictures wait again that had been taken out, as far as there is room; gives their number."""
        with self._lock:
            room = min(MOST - self._count(), MOST_OF_A_CLASS - len(self._classes.get(label, [])))
            back = list(pictures[: max(room, 0)])
            if back:
                self._classes.setdefault(label, []).extend(back)
            return len(back)

    def hints(self, waiting: Sequence[QueuedImage]) -> list[Lack]:
        """Say what a class lacks."""
        hints: list[Lack] = []
        if 0 < len(waiting) < FEW:
            hints.append("few")
        if len(waiting) > 2:
            z = np.stack([one.seen.conditioned for one in waiting])
            total = z.sum(axis=0, dtype=np.float64)
            n = len(z)
            if float(total @ total - n) / (n * (n - 1)) >= ALIKE:
                hints.append("alike")
        return hints

    def _hint(self, waiting: Sequence[QueuedImage], seen: AnalysedImage) -> Flaw | None:
        if seen.brightness < DARK_BELOW:
            return "dark"
        if seen.brightness > BRIGHT_ABOVE:
            return "bright"
        if seen.sharpness < BLURRED_BELOW:
            return "blurred"
        for one in waiting:
            if float(one.seen.conditioned @ seen.conditioned) >= COPY:
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
