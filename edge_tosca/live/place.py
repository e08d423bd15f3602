"""One region of one camera in the live loop: its stable answer, its newest answer and its counters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_tosca.learner.severity import INFO
from edge_tosca.live.consensus import Consensus, StableAnswer
from edge_tosca.live.regions import FRAME, MAIN, NamedRegion
from edge_tosca.live.stats import Latencies, LiveStats
from edge_tosca.live.triggers import Trigger
from edge_tosca.results import Answer

if TYPE_CHECKING:
    from edge_tosca.devices.camera import Frame


class Place(NamedTuple):
    """A region by the names of its camera and its own."""

    camera: str = MAIN
    region: str = FRAME


REST_SECONDS = 0.2
"""Time after a frame that needed no answer, in which the camera need not decode another."""

DEFAULT = Place()
"""The whole frame of the only camera."""


Triggers = Callable[[Place], Trigger]
"""Makes the trigger of a region when the region appears."""


@dataclass(frozen=True, eq=False)
class LiveAnswer:
    """The answer to a frame, or to a region of it.

    Attributes:
        frame: the frame; its pixels are those of the region.
        feature: float32 [d], of these pixels.
        answer: the prediction for this frame alone.
        shown: the answer that a display should show.
        latency: seconds from the frame's arrival to the answer.
        place: the camera and the region.
        first: width of the feature's first part.
        severity: of what is shown, when it last changed.
    """

    frame: "Frame"
    feature: NDArray[np.float32]
    answer: Answer
    shown: StableAnswer
    latency: float
    place: Place = DEFAULT
    first: int | None = None
    severity: str = INFO


class PlaceState:
    """What the live loop keeps of a region. Its owner guards it by a lock.

    Attributes:
        place: camera and region.
        named: the region.
        consensus: its frames of one scene.
        trigger: decides which frames are answered.
        seen: number of the last frame that was considered; 0 for none.
        looked_at: its time of arrival, in seconds of `time.monotonic`.
        newest: the newest answer; None before the first.
        generation: of the store at the last frame that was considered.
        severity: of what is shown.
        rest_until: no frame before it needs to be considered; seconds of `time.monotonic`.
        error: why there is no answer; None while there is.
    """

    def __init__(self, place: Place, named: NamedRegion, frames: int, trigger: Trigger) -> None:
        self.place, self.named, self.trigger = place, named, trigger
        self.consensus = Consensus(frames)
        self.seen = 0
        self.looked_at = 0.0
        self.newest: LiveAnswer | None = None
        self.error: str | None = None
        self.generation = 0
        self.severity: str = INFO
        self.rest_until = 0.0
        self._answered = self._skipped = self._unneeded = 0
        self._latencies = Latencies()

    def change(self, named: NamedRegion) -> None:
        """Move the region, or bind it to other classes: its frames so far show something else.

        Args:
            named: the region as it is now.
        """
        if named != self.named:
            self.named = named
            self.consensus.restart()

    def count(self, frame: "Frame") -> None:
        """Count a frame as considered, and those between it and the last one as skipped.

        Args:
            frame: of the camera.
        """
        if self.seen:
            self._skipped += max(0, frame.number - self.seen - 1)
        self.seen, self.looked_at = frame.number, frame.at

    def leave_out(self, frame: "Frame") -> None:
        """Count a frame that needs no answer.

        Args:
            frame: of the camera.
        """
        self.count(frame)
        self._unneeded += 1
        self.rest_until = frame.at + REST_SECONDS

    def put(self, answer: LiveAnswer, now: float) -> None:
        """Record an answer.

        Args:
            answer: to the last frame that was counted.
            now: seconds of `time.monotonic`.
        """
        self.newest, self.error = answer, None
        self.rest_until = 0.0
        self._answered += 1
        self._latencies.add(answer.latency, now)

    def stats(self, now: float, error: str | None, nothing_learned: bool, opened: int) -> LiveStats:
        """Return the statistics of the region.

        Args:
            now: seconds of `time.monotonic`.
            error: of the whole loop.
            nothing_learned: see `LiveStats`.
            opened: see `LiveStats`.
        """
        p50, p99 = self._latencies.percentiles()
        return LiveStats(
            answered=self._answered,
            skipped=self._skipped,
            latency_p50=p50,
            latency_p99=p99,
            fps=self._latencies.rate(now),
            error=error or self.error,
            nothing_learned=nothing_learned,
            opened=opened,
            unneeded=self._unneeded,
        )
