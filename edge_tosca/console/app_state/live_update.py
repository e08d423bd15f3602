"""A live answer as it is published to pages."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge_tosca.live import StableAnswer
from edge_tosca.results import Answer

Reason = Literal["no_camera", "starting", "camera_lost", "nothing_learned", "trouble"]


@dataclass(frozen=True, eq=False)
class LiveUpdate:
    """A live answer as it is published to pages.

    Attributes:
        id: identifies the answer in a correction.
        frame: number of the frame.
        answer: the answer to this frame alone.
        shown: the stable answer that a display should show.
        at: time.monotonic() of the frame.
    """

    id: str
    frame: int
    answer: Answer
    shown: StableAnswer
    at: float


def shown_json(shown: StableAnswer) -> dict[str, Any] | None:
    """Convert a stable answer to JSON values.

    Args:
        shown: the answer that a display should show.

    Returns:
        The fields of the API's ShownMessage; None while there is no answer.
    """
    answer = shown.answer
    if answer is None:
        return None
    return {
        "label": answer.label,
        "confidence": answer.confidence,
        "probability": answer.probability,
        "unknown_probability": answer.unknown_probability,
        "unknown": answer.unknown,
        "top": [asdict(one) for one in answer.top],
        "since_seconds": max(0.0, time.monotonic() - shown.since),
        "frames": shown.frames,
    }
