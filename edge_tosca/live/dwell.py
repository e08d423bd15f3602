"""How often and how long each class is shown in each region, counted in memory."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from edge_tosca.live.place import Place
from edge_tosca.results import Answer

MAX_KEYS = 10_000
"""Of regions, classes and hours that wait to be written, and of totals; further ones are not counted."""

_HOUR_SECONDS = 3600

_Name = TypeVar("_Name")


class Shown(Protocol):
    """A new shown answer of a region."""

    @property
    def place(self) -> Place:
        """The camera and the region."""

    @property
    def answer(self) -> Answer:
        """The answer."""


@dataclass(frozen=True)
class Key:
    """What was shown, where, and in which hour.

    Attributes:
        hour: since 1970, UTC.
        place: the camera and the region.
        label: of the class; None for none of them.
    """

    hour: int
    place: Place
    label: str | None


@dataclass(frozen=True)
class Amount:
    """How often and how long.

    Attributes:
        seen: number of times it appeared.
        seconds: that it was shown.
    """

    seen: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        """Return the sum of both."""
        return Amount(self.seen + other.seen, self.seconds + other.seconds)


class Dwell:
    """Counts what is shown while there are answers. Several threads may use it.

    Args:
        clock: seconds that only grow.
        wall: seconds since 1970.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock, self._wall = clock, wall
        self._lock = threading.Lock()
        self._shown: dict[Place, str | None] = {}
        self._available: frozenset[Place] = frozenset()
        self._at = clock()
        self._waiting: dict[Key, Amount] = {}
        self._totals: dict[tuple[Place, str | None], Amount] = {}

    def change(self, change: Shown) -> None:
        """Count an appearance.

        Args:
            change: the new shown answer.
        """
        with self._lock:
            self._advance()
            label = None if change.answer.unknown else change.answer.label
            self._shown[change.place] = label
            # It has an answer, whatever was said of its camera before.
            self._available |= {change.place}
            self._count(change.place, label, Amount(seen=1))

    def available(self, available: Mapping[Place, bool]) -> None:
        """Count the time since the last call for the regions that have answers; called again and again.

        Args:
            available: whether each region has answers; a region that was removed is absent.
        """
        with self._lock:
            self._advance()
            self._available = frozenset(place for place, has in available.items() if has)
            self._shown = {place: label for place, label in self._shown.items() if place in available}

    def take(self) -> dict[Key, Amount]:
        """Return what was counted since the last call, to be written."""
        with self._lock:
            self._advance()
            waiting, self._waiting = self._waiting, {}
            return waiting

    def put_back(self, amounts: Mapping[Key, Amount]) -> None:
        """Take back what could not be written.

        Args:
            amounts: of `take`.
        """
        with self._lock:
            for key, amount in amounts.items():
                _add(self._waiting, key, amount)

    def totals(self) -> dict[tuple[Place, str | None], Amount]:
        """Return what was counted since the start, by region and label; None for none of the classes."""
        with self._lock:
            self._advance()
            return dict(self._totals)

    def keep(self, labels: Collection[str]) -> None:
        """Drop what was counted of classes that are no longer known.

        Args:
            labels: of all classes.
        """
        with self._lock:
            self._totals = {
                key: amount for key, amount in self._totals.items() if key[1] is None or key[1] in labels
            }
            self._shown = {
                place: label for place, label in self._shown.items() if label is None or label in labels
            }

    def _advance(self) -> None:
        now = self._clock()
        elapsed, self._at = now - self._at, now
        for place in self._available & self._shown.keys():
            self._count(place, self._shown[place], Amount(seconds=elapsed))

    def _count(self, place: Place, label: str | None, amount: Amount) -> None:
        _add(self._waiting, Key(int(self._wall() // _HOUR_SECONDS), place, label), amount)
        _add(self._totals, (place, label), amount)


def _add(amounts: dict[_Name, Amount], name: _Name, amount: Amount) -> None:
    if name in amounts or len(amounts) < MAX_KEYS:
        amounts[name] = amounts.get(name, Amount()) + amount
