"""The message about a change of the shown answer."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.learner.severity import INFO
from edge_tosca.live import LiveAnswer, Place
from edge_tosca.live.place import DEFAULT
from edge_tosca.results import Answer


@dataclass(frozen=True, eq=False)
class Change:
    """A new shown answer.

    Attributes:
        answer: the answer.
        frame: number of the frame that led to it.
        frames: number of frames in its burst.
        time: of the change, ISO 8601, UTC.
        place: the camera and the region.
        severity: of its class: info, warning or alarm.
        crop: the region in the frame, RGB, uint8 [h, w, 3]; None where it is not at hand.
    """

    answer: Answer
    frame: int
    frames: int
    time: str
    place: Place = DEFAULT
    severity: str = INFO
    crop: NDArray[np.uint8] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, live: LiveAnswer) -> "Change | None":
        """Return the shown answer of a live answer as a change; None while none is shown.

        Args:
            live: of the live loop.
        """
        if live.shown.answer is None:
            return None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(
            live.shown.answer,
            live.frame.number,
            live.shown.frames,
            now,
            live.place,
            live.severity,
            live.frame.pixels,
        )

    def state(self) -> tuple[str, bool]:
        """Return what changes are compared by: the label, and whether the answer is unknown."""
        return self.answer.label, self.answer.unknown

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is printed and published; the whole frame of one camera has no name."""
        answer = self.answer
        named = {} if self.place == DEFAULT else {"camera": self.place.camera, "region": self.place.region}
        return {
            "time": self.time,
            **named,
            "label": answer.label,
            "confidence": answer.confidence,
            "probability": answer.probability,
            "unknown_probability": answer.unknown_probability,
            "unknown": answer.unknown,
            "task": answer.task,
            "severity": self.severity,
            "top": [asdict(guess) for guess in answer.top],
            "frame": self.frame,
            "frames": self.frames,
        }
