"""What is told when the shown answer changes."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from edge_tosca.live import LiveAnswer
from edge_tosca.results import Answer


@dataclass(frozen=True, eq=False)
class Change:
    """A new shown answer.

    Attributes:
        answer: that is shown now.
        frame: number of the frame that it came with.
        frames: views in its burst.
        time: when, ISO 8601, UTC.
    """

    answer: Answer
    frame: int
    frames: int
    time: str

    @classmethod
    def of(cls, live: LiveAnswer) -> "Change | None":
        """Take what a live answer shows; None while it shows nothing."""
        if live.shown.answer is None:
            return None
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(live.shown.answer, live.frame.number, live.shown.frames, now)

    def says(self) -> tuple[str, bool]:
        """Give what makes one change different from another: its label, and whether that is unknown."""
        return self.answer.label, self.answer.unknown

    def to_json(self) -> dict[str, Any]:
        """Give what is printed and published."""
        answer = self.answer
        return {
            "time": self.time,
            "label": answer.label,
            "confidence": answer.confidence,
            "unknown": answer.unknown,
            "task": answer.task,
            "top": [asdict(guess) for guess in answer.top],
            "frame": self.frame,
            "frames": self.frames,
        }
