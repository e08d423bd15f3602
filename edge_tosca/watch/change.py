"""The message about a change of the shown answer."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from edge_tosca.live import LiveAnswer
from edge_tosca.results import Answer


@dataclass(frozen=True, eq=False)
class Change:
    """A new shown answer.

    Attributes:
        answer: the answer.
        frame: number of the frame that led to it.
        frames: number of frames in its burst.
        time: of the change, ISO 8601, UTC.
    """

    answer: Answer
    frame: int
    frames: int
    time: str

    @classmethod
    def of(cls, live: LiveAnswer) -> "Change | None":
        """Return the shown answer of a live answer as a change; None while none is shown.

        Args:
            live: of the live loop.
        """
        if live.shown.answer is None:
            return None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(live.shown.answer, live.frame.number, live.shown.frames, now)

    def state(self) -> tuple[str, bool]:
        """Return what changes are compared by: the label, and whether the answer is unknown."""
        return self.answer.label, self.answer.unknown

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is printed and published."""
        answer = self.answer
        return {
            "time": self.time,
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
