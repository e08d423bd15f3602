"""Changes of what a region shows, and who is informed of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tosca.live.loop import LiveAnswer
from edge_tosca.results import Answer

CAMERA, REGION = "main", "all"
"""Names of a camera without a name of its own, and of its whole frame."""

Place = tuple[str, str]
"""Names of a camera and of one of its regions."""

WHOLE: Place = (CAMERA, REGION)
"""The only region of a box that has no others."""


@dataclass(frozen=True, eq=False)
class Change:
    """A new shown answer.

    Attributes:
        answer: the answer.
        frame: number of the frame that led to it.
        frames: number of frames in its burst.
        time: of the change, ISO 8601, UTC.
        camera: name of the camera.
        region: name of the region.
        severity: of its class: info, warning or alarm.
        crop: the region in the frame, RGB, uint8 [h, w, 3]; None where it is not at hand.
    """

    answer: Answer
    frame: int
    frames: int
    time: str
    camera: str = CAMERA
    region: str = REGION
    severity: str = "info"
    crop: NDArray[np.uint8] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, live: LiveAnswer, camera: str = CAMERA, region: str = REGION) -> "Change | None":
        """Return the shown answer of a live answer as a change; None while none is shown.

        Args:
            live: of the live loop.
            camera: name of the camera.
            region: name of the region.
        """
        if live.shown.answer is None:
            return None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(
            live.shown.answer,
            live.frame.number,
            live.shown.frames,
            now,
            camera,
            region,
            live.severity,
            live.frame.pixels,
        )

    @property
    def place(self) -> Place:
        """The camera and the region."""
        return self.camera, self.region

    def state(self) -> tuple[str, bool]:
        """Return what changes are compared by: the label, and whether the answer is unknown."""
        return self.answer.label, self.answer.unknown

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is printed and published."""
        answer = self.answer
        return {
            "time": self.time,
            "camera": self.camera,
            "region": self.region,
            "severity": self.severity,
            "label": answer.label,
            "confidence": answer.confidence,
            "probability": answer.probability,
            "unknown_probability": answer.unknown_probability,
            "unknown": answer.unknown,
            "task": answer.task,
            "top": [asdict(guess) for guess in answer.top],
            "frame": self.frame,
            "frames": self.frames,
        }


class Sink(Protocol):
    """Receives changes; its methods must return at once."""

    def change(self, change: Change) -> None:
        """Receive a new shown answer.

        Args:
            change: the answer.
        """
        ...

    def available(self, available: bool) -> None:
        """Receive whether there are answers; called again and again.

        Args:
            available: whether the camera and the store give answers.
        """
        ...


class Reporter:
    """Finds the changes among live answers of any number of regions, and hands them to sinks.

    Args:
        sinks: called in their order.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        self._shown: dict[Place, tuple[str, bool]] = {}

    def shown(self, live: LiveAnswer, camera: str = CAMERA, region: str = REGION) -> None:
        """Report a live answer if what is shown in its region has changed.

        Args:
            live: of the live loop.
            camera: name of the camera.
            region: name of the region.
        """
        change = Change.of(live, camera, region)
        if change is None or change.state() == self._shown.get(change.place):
            return
        self._shown[change.place] = change.state()
        for sink in self._sinks:
            sink.change(change)

    def available(self, available: bool) -> None:
        """Report whether there are answers; called again and again.

        Args:
            available: whether the camera and the store give answers.
        """
        for sink in self._sinks:
            sink.available(available)
