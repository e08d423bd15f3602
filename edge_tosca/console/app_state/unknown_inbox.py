"""Recent pictures that looked like nothing known, grouped by similarity, in memory."""

import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.quality.near_duplicates import COPY

MOST_GROUPS = 24
MOST_OF_A_GROUP = 12
"""Pictures that are kept, together about 12 MB. A group goes on counting beyond."""

SIMILAR = 0.4
"""Cosine to a group's mean from which a picture joins it, both less the mean of the known classes. Of six new
classes that come mixed, groups are 58 to 84 % of one class, and the largest group of a class has 46 to 97 %
of it (groceries, clothing, hands, two draws each). With the known mean left in, all fell into one group."""

SIMILAR_AS_IS = 0.7
"""The same where no mean is known."""


@dataclass(frozen=True, eq=False)
class Unknown:
    """A picture of the inbox.

    Attributes:
        id: a random token.
        seen: the picture.
        at: time.time() at which it came.
    """

    id: str
    seen: AnalysedImage
    at: float


@dataclass(eq=False)
class UnknownGroup:
    """Pictures that look alike.

    Attributes:
        id: a random token.
        total: sum of their directions, [d].
        nearest: the class that the last one was taken for.
        count: pictures that joined, whether they are kept or not.
        pictures: those that are kept, the oldest first.
        at: time.time() of the last one.
    """

    id: str
    total: NDArray[np.float64]
    nearest: str
    count: int = 0
    pictures: list[Unknown] = field(default_factory=list)
    at: float = 0.0


class UnknownInbox:
    """At most MOST_GROUPS groups; the one that nothing joined for the longest gives way."""

    def __init__(self) -> None:
        self._groups: dict[str, UnknownGroup] = {}
        self._background: NDArray[np.float64] | None = None
        self._lock = threading.Lock()

    def compare_with(self, background: NDArray[np.float64] | None) -> None:
        """Say what the known classes have in common.

        Args:
            background: mean of their conditioned features, [d]; None where nothing is known. Where it has
                another width than before, the backbone is another one, and the inbox is emptied.
        """
        with self._lock:
            kept = next((group.total for group in self._groups.values()), None)
            if kept is not None and background is not None and len(kept) != len(background):
                self._groups.clear()
            self._background = background

    def add(self, seen: AnalysedImage, nearest: str) -> None:
        """Take a picture that looked like nothing known.

        Args:
            seen: the picture. A copy of one that is kept is only counted.
            nearest: the class that it was taken for.
        """
        with self._lock:
            direction = self._direction(seen)
            group = self._group_of(direction, nearest)
            group.total += direction
            group.count += 1
            group.nearest = nearest
            group.at = time.time()
            if not any(float(one.seen.conditioned @ seen.conditioned) >= COPY for one in group.pictures):
                group.pictures.append(Unknown(secrets.token_urlsafe(12), seen, group.at))
                del group.pictures[:-MOST_OF_A_GROUP]

    def groups(self) -> list[UnknownGroup]:
        """Give all groups as they are now, the largest first."""
        with self._lock:
            copies = [
                UnknownGroup(one.id, one.total, one.nearest, one.count, list(one.pictures), one.at)
                for one in self._groups.values()
            ]
        return sorted(copies, key=lambda group: (-group.count, -group.at))

    def picture(self, key: str) -> AnalysedImage | None:
        """Find a picture by its id."""
        with self._lock:
            every = (one for group in self._groups.values() for one in group.pictures)
            return next((one.seen for one in every if one.id == key), None)

    def take(self, key: str) -> Sequence[Unknown] | None:
        """Take a group out and give its pictures; None where there is none."""
        with self._lock:
            group = self._groups.pop(key, None)
        return None if group is None else group.pictures

    def _direction(self, seen: AnalysedImage) -> NDArray[np.float64]:
        direction = seen.conditioned.astype(np.float64)
        if self._background is not None and len(self._background) == len(direction):
            direction = direction - self._background
        unit: NDArray[np.float64] = direction / (np.linalg.norm(direction) or 1.0)
        return unit

    def _group_of(self, direction: NDArray[np.float64], nearest: str) -> UnknownGroup:
        same = {key: one for key, one in self._groups.items() if len(one.total) == len(direction)}
        cosines = {
            key: float(direction @ one.total / (np.linalg.norm(one.total) or 1)) for key, one in same.items()
        }
        best = max(cosines, key=lambda key: cosines[key], default=None)
        enough = SIMILAR_AS_IS if self._background is None else SIMILAR
        if best is not None and cosines[best] >= enough:
            return self._groups[best]
        if len(self._groups) >= MOST_GROUPS:
            del self._groups[min(self._groups, key=lambda key: self._groups[key].at)]
        group = UnknownGroup(secrets.token_urlsafe(12), np.zeros_like(direction), nearest)
        self._groups[group.id] = group
        return group
