"""How the live loop is doing."""

from collections import deque
from dataclasses import dataclass

import numpy as np

WINDOW = 600
"""Answers that latencies and the rate are taken over: at 15 a second, the last 40 seconds."""

_RATE_SECONDS = 5.0


@dataclass(frozen=True)
class LiveStats:
    """How the live loop is doing.

    Attributes:
        answered: frames that were answered.
        skipped: frames that came while another was worked on, and were never looked at.
        latency_p50: median seconds from a frame's arrival to its answer, over the last answers; 0 before any.
        latency_p99: that 99 % of them stayed within.
        fps: answers a second over the last seconds.
        error: why there are no answers, in one line; None while there are.
        opened: times that the store was opened.
    """

    answered: int
    skipped: int
    latency_p50: float
    latency_p99: float
    fps: float
    error: str | None
    opened: int


class Latencies:
    """The last answers' latencies and times, in bounded memory."""

    def __init__(self) -> None:
        self._answers: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def add(self, latency: float, now: float) -> None:
        """Note an answer.

        Args:
            latency: seconds from the frame's arrival.
            now: seconds of `time.monotonic`.
        """
        self._answers.append((latency, now))

    def percentiles(self) -> tuple[float, float]:
        """Give the median and the 99th percentile, seconds; 0 before any answer."""
        if not self._answers:
            return 0.0, 0.0
        median, nearly_all = np.percentile([latency for latency, _ in self._answers], (50, 99))
        return float(median), float(nearly_all)

    def rate(self, now: float) -> float:
        """Give answers a second over the last seconds.

        Args:
            now: seconds of `time.monotonic`.
        """
        recent = [moment for _, moment in self._answers if now - moment < _RATE_SECONDS]
        span = recent[-1] - recent[0] if recent else 0.0
        return (len(recent) - 1) / span if span > 0 else 0.0
