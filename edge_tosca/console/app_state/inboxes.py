"""The unknown inboxes: one of each region, and one of pictures that phones and programs sent."""

import threading
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.console.app_state.unknown_inbox import (
    MOST_GROUPS,
    MOST_PICTURES,
    UnknownGroup,
    UnknownImage,
    UnknownInbox,
)
from edge_tosca.live import Place

LEAST_GROUPS = 4
"""Groups of each inbox, however many there are."""

LEAST_PICTURES = 40
"""Pictures of each inbox, however many there are."""


class Inboxes:
    """Unknown pictures by region. All inboxes together have MOST_GROUPS groups, or LEAST_GROUPS each."""

    def __init__(self) -> None:
        self._inboxes: dict[Place | None, UnknownInbox] = {}
        self._known_mean: NDArray[np.float64] | None = None
        self._lock = threading.Lock()

    def add(self, place: Place | None, image: AnalysedImage, nearest: str) -> None:
        """Add an unknown picture.

        Args:
            place: the region that it is of; None for a picture that was sent.
            image: the picture.
            nearest: its most probable class.
        """
        self._of(place).add(image, nearest)

    def bring_back(self, place: Place | None, key: str, pictures: Sequence[UnknownImage], count: int) -> None:
        """Add a group of a region as it was before a restart; see `UnknownInbox.bring_back`."""
        self._of(place).bring_back(key, pictures, count)

    def set_known_mean(self, mean: NDArray[np.float64] | None) -> None:
        """Set the mean of the known classes; see `UnknownInbox.set_known_mean`."""
        with self._lock:
            self._known_mean = mean
            inboxes = list(self._inboxes.values())
        for inbox in inboxes:
            inbox.set_known_mean(mean)

    def groups(self) -> list[tuple[Place | None, UnknownGroup]]:
        """Return copies of all groups with their regions, the largest first."""
        with self._lock:
            inboxes = list(self._inboxes.items())
        found = [(place, group) for place, inbox in inboxes for group in inbox.groups()]
        return sorted(found, key=lambda one: (-one[1].count, -one[1].at))

    def picture(self, key: str) -> AnalysedImage | None:
        """Return a picture by its id; None if there is none."""
        with self._lock:
            inboxes = list(self._inboxes.values())
        return next((found for inbox in inboxes if (found := inbox.picture(key)) is not None), None)

    def remove(self, keys: Container[str]) -> None:
        """Remove pictures by their ids."""
        with self._lock:
            inboxes = list(self._inboxes.values())
        for inbox in inboxes:
            inbox.remove(keys)

    def take(self, key: str) -> Sequence[UnknownImage] | None:
        """Remove a group and return its pictures; None if there is no such group."""
        with self._lock:
            inboxes = list(self._inboxes.values())
        return next((found for inbox in inboxes if (found := inbox.take(key)) is not None), None)

    def _of(self, place: Place | None) -> UnknownInbox:
        with self._lock:
            inbox = self._inboxes.get(place)
            if inbox is None:
                # Empty ones of regions that were removed make room.
                self._inboxes = {other: one for other, one in self._inboxes.items() if one.groups()}
                inbox = self._inboxes[place] = UnknownInbox()
                inbox.set_known_mean(self._known_mean)
                for one in self._inboxes.values():
                    one.most_groups = max(LEAST_GROUPS, MOST_GROUPS // len(self._inboxes))
                    one.most_pictures = max(LEAST_PICTURES, MOST_PICTURES // len(self._inboxes))
            return inbox
