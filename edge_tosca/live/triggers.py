"""When a region is looked at: always, every so often, on motion, or on request."""

import re
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import LearnError
from edge_tosca.live.consensus import FRAMES
from edge_tosca.live.motion import AREA, Motion

HOLD_SECONDS = 2.0
"""How long a region is looked at after the last motion."""

LEAST_SECONDS, MOST_SECONDS = 0.1, 86_400.0

WORDS = 'always, motion, request, or "every 5s"'
"""How a trigger is written, for help texts and messages."""

_EVERY = re.compile(r"every (\d+(?:\.\d+)?) ?s", re.ASCII)


class Trigger(Protocol):
    """Decides which frames of a region are worth the backbone's time.

    A trigger opens a look: at least FRAMES frames in a row, so that the shown answer can settle.
    """

    @property
    def word(self) -> str:
        """The trigger as `parse_trigger` reads it."""
        ...

    def due(self, crop: NDArray[np.uint8], now: float) -> bool:
        """Decide whether to look at a frame; called once for every frame, in one thread.

        Args:
            crop: uint8 [h, w, 3], the region in the newest frame.
            now: seconds of `time.monotonic`.
        """
        ...

    def request(self) -> None:
        """Look at the next frames, whatever else; called from any thread."""
        ...


class Always:
    """Looks at every frame."""

    word = "always"

    def due(self, crop: NDArray[np.uint8], now: float) -> bool:
        """Return True; see `Trigger.due`."""
        return True

    def request(self) -> None:
        """Do nothing: the next frames are looked at anyway."""


class OnRequest:
    """Looks on request only."""

    word = "request"

    def __init__(self) -> None:
        self._requested = False
        self._frames = 0

    def request(self) -> None:
        """Open a look; see `Trigger.request`."""
        self._requested = True

    def due(self, crop: NDArray[np.uint8], now: float) -> bool:
        """Return whether a look is open; see `Trigger.due`."""
        if self._requested:
            self._requested = False
            self._frames = FRAMES
        if not self._frames:
            return False
        self._frames -= 1
        return True


class EverySeconds(OnRequest):
    """Looks at regular intervals, from the beginning of one look to that of the next.

    Args:
        seconds: the interval, 0.1 to 86,400.

    Raises:
        LearnError: it is out of range.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
            raise LearnError(f"trigger: every {seconds:g} s; choose {LEAST_SECONDS:g} to {MOST_SECONDS:g} s")
        self.word = f"every {seconds:g}s"
        self._seconds = seconds
        self._began: float | None = None

    def due(self, crop: NDArray[np.uint8], now: float) -> bool:
        """Return whether a look is open; see `Trigger.due`."""
        if self._began is None or now - self._began >= self._seconds:
            self._began = now
            self.request()
        return super().due(crop, now)


class OnMotion(OnRequest):
    """Looks while something moves, and for a while afterwards.

    What is compared with is the last frame that was looked at, so that a slow change is noticed as soon as it
    is large enough, and is looked at once.

    Args:
        area: share of the region that must change.
        hold: seconds to look after the last motion.
    """

    word = "motion"

    def __init__(self, area: float = AREA, hold: float = HOLD_SECONDS) -> None:
        super().__init__()
        self._motion = Motion(area)
        self._hold = hold
        self._until: float | None = None

    def due(self, crop: NDArray[np.uint8], now: float) -> bool:
        """Return whether something moves, did so lately, or a look was requested; see `Trigger.due`."""
        changed, moving = self._motion.add(crop)
        looking = self._until is not None
        # The reference is old while a look lasts: what counts then is whether the scene has come to rest.
        if moving if looking else changed:
            self._until = now + self._hold
            self.request()
        asked = super().due(crop, now)
        if self._until is None:
            return asked
        if now >= self._until and not asked:
            self._until = None
            self._motion.settle()
            return False
        return True


def parse_trigger(text: str) -> Trigger:
    """Read a trigger as a user writes it.

    Args:
        text: "always", "motion", "request", or "every 5s" with any number of seconds.

    Returns:
        A new trigger.

    Raises:
        LearnError: it is none of them, or the interval is out of range.
    """
    text = " ".join(text.split()).lower()
    if text == Always.word:
        return Always()
    if text == OnMotion.word:
        return OnMotion()
    if text == OnRequest.word:
        return OnRequest()
    found = _EVERY.fullmatch(text)
    if found is None:
        raise LearnError(f"trigger {text[:40]!r}: choose {WORDS}")
    return EverySeconds(float(found[1]))
