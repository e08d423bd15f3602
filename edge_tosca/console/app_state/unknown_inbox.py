"""Recent unknown pictures, grouped by similarity, in memory."""

import secrets
import threading
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.features.farthest_points import farthest_points
from edge_tosca.quality.near_duplicates import NEAR_DUPLICATE_COSINE

MOST_GROUPS = 24
MOST_OF_A_GROUP = 40
"""Pictures that a group keeps, the most different ones; its count rises beyond."""

MOST_PICTURES = 400
"""Pictures in all groups together, about 20 MB; the largest group gives way."""

SIMILAR = 0.4
"""Cosine to a group's mean from which a picture joins it, both less the mean of the known classes. Of six new
classes in random order, groups are 58 to 84 % of one class, and the largest group of a class has 46 to 97 %
of it (groceries, clothing, hands, two draws each). Without that subtraction all fell into one group."""

SIMILAR_AS_IS = 0.7
"""The same while no class is known."""


@dataclass(frozen=True, eq=False)
class UnknownImage:
    """A picture of the inbox.

    Attributes:
        id: a random token.
        image: the picture.
        at: time.time() of its arrival.
    """

    id: str
    image: AnalysedImage
    at: float


@dataclass(eq=False)
class UnknownGroup:
    """Similar unknown pictures.

    Attributes:
        id: a random token.
        total: sum of their unit directions, float64 [d].
        nearest: the most probable class of the last one.
        count: number of pictures that joined, kept or not.
        pictures: the kept ones, the oldest first.
        at: time.time() of the last one.
    """

    id: str
    total: NDArray[np.float64]
    nearest: str
    count: int = 0
    pictures: list[UnknownImage] = field(default_factory=list)
    at: float = 0.0


class UnknownInbox:
    """A bounded number of groups; a new one replaces the one whose last picture is oldest.

    Attributes:
        most_groups: the bound, MOST_GROUPS unless set.
        most_pictures: of all groups together, MOST_PICTURES unless set.
    """

    def __init__(self) -> None:
        self.most_groups = MOST_GROUPS
        self.most_pictures = MOST_PICTURES
        self._groups: dict[str, UnknownGroup] = {}
        self._known_mean: NDArray[np.float64] | None = None
        self._lock = threading.Lock()

    def set_known_mean(self, mean: NDArray[np.float64] | None) -> None:
        """Set the mean of the known classes, which is subtracted before features are compared.

        Args:
            mean: of their normalised features, float64 [d]; None while no class is known. A mean of another
                width belongs to another backbone, and empties the inbox.
        """
        with self._lock:
            kept = next((group.total for group in self._groups.values()), None)
            if kept is not None and mean is not None and len(kept) != len(mean):
                self._groups.clear()
            self._known_mean = mean

    def add(self, image: AnalysedImage, nearest: str) -> None:
        """Add an unknown picture to the most similar group, or to a new one.

        Args:
            image: the picture. A near duplicate of a kept one is only counted.
            nearest: its most probable class.
        """
        with self._lock:
            direction = self._direction(image)
            group = self._group_of(direction, nearest)
            group.total += direction
            group.count += 1
            group.nearest = nearest
            group.at = time.time()
            if not any(
                float(one.image.normalized @ image.normalized) >= NEAR_DUPLICATE_COSINE
                for one in group.pictures
            ):
                group.pictures.append(UnknownImage(secrets.token_urlsafe(12), image, group.at))
                _thin(group, MOST_OF_A_GROUP)
                while sum(len(one.pictures) for one in self._groups.values()) > self.most_pictures:
                    largest = max(self._groups.values(), key=lambda one: len(one.pictures))
                    _thin(largest, len(largest.pictures) - 1)

    def bring_back(self, key: str, pictures: Sequence[UnknownImage], count: int) -> None:
        """Add a group as it was before a restart, unless there is one of its id or no room.

        Args:
            key: id of the group.
            pictures: its pictures, the oldest first.
            count: number of pictures that had joined it.
        """
        with self._lock:
            if not pictures or key in self._groups or len(self._groups) >= self.most_groups:
                return
            directions = [self._direction(one.image) for one in pictures]
            total: NDArray[np.float64] = np.sum(directions, axis=0)
            at = max(one.at for one in pictures)
            self._groups[key] = UnknownGroup(key, total, "", max(count, len(pictures)), list(pictures), at)
            _thin(self._groups[key], MOST_OF_A_GROUP)

    def groups(self) -> list[UnknownGroup]:
        """Return copies of all groups, the largest first."""
        with self._lock:
            copies = [
                UnknownGroup(one.id, one.total, one.nearest, one.count, list(one.pictures), one.at)
                for one in self._groups.values()
            ]
        return sorted(copies, key=lambda group: (-group.count, -group.at))

    def picture(self, key: str) -> AnalysedImage | None:
        """Return a picture by its id; None if there is none."""
        with self._lock:
            every = (one for group in self._groups.values() for one in group.pictures)
            return next((one.image for one in every if one.id == key), None)

    def remove(self, keys: Container[str]) -> None:
        """Remove pictures by their ids; a group without pictures goes with them."""
        with self._lock:
            for name, group in list(self._groups.items()):
                left = [one for one in group.pictures if one.id not in keys]
                group.count -= len(group.pictures) - len(left)
                group.pictures = left
                if not left:
                    del self._groups[name]

    def take(self, key: str) -> Sequence[UnknownImage] | None:
        """Remove a group and return its pictures; None if there is no such group."""
        with self._lock:
            group = self._groups.pop(key, None)
        return None if group is None else group.pictures

    def _direction(self, image: AnalysedImage) -> NDArray[np.float64]:
        direction = image.normalized.astype(np.float64)
        if self._known_mean is not None and len(self._known_mean) == len(direction):
            direction = direction - self._known_mean
        unit: NDArray[np.float64] = direction / (np.linalg.norm(direction) or 1.0)
        return unit

    def _group_of(self, direction: NDArray[np.float64], nearest: str) -> UnknownGroup:
        same = {key: one for key, one in self._groups.items() if len(one.total) == len(direction)}
        cosines = {
            key: float(direction @ one.total / (np.linalg.norm(one.total) or 1)) for key, one in same.items()
        }
        best = max(cosines, key=lambda key: cosines[key], default=None)
        enough = SIMILAR_AS_IS if self._known_mean is None else SIMILAR
        if best is not None and cosines[best] >= enough:
            return self._groups[best]
        while len(self._groups) >= self.most_groups:
            del self._groups[min(self._groups, key=lambda key: self._groups[key].at)]
        group = UnknownGroup(secrets.token_urlsafe(12), np.zeros_like(direction), nearest)
        self._groups[group.id] = group
        return group


def _thin(group: UnknownGroup, most: int) -> None:
    if len(group.pictures) > most:
        kept = farthest_points(np.stack([one.image.normalized for one in group.pictures]), most)
        group.pictures = [group.pictures[place] for place in kept]
