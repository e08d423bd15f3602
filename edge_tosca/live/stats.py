"""Statistics of the live loop."""

from collections import deque
from dataclasses import dataclass

import numpy as np

WINDOW = 600
"""Number of last answers for the latencies and the rate: 40 seconds at 15 answers a second."""

_RATE_SECONDS = 5.0


@dataclass(frozen=True)
class LiveStats:
    """Statistics of the live loop.

    Attributes:
        answered: number of answered frames.
        skipped: number of frames that arrived while another was processed, and were dropped.
        latency_p50: median of the seconds from a frame's arrival to its answer, over the last answers; 0
            before any.
        latency_p99: their 99th percentile.
        fps: answers a second over the last 5 seconds.
        error: why there are no answers, in one line; None while there are.
        nothing_learned: whether that is because the store knows no class yet.
        opened: how often the store was opened.
        unneeded: number of frames that the trigger left out; what is shown stayed.
    """

    answered: int
    skipped: int
    latency_p50: float
    latency_p99: float
    fps: float
    error: str | None
    nothing_learned: bool
    opened: int
    unneeded: int = 0


class Latencies:
    """Latencies and times of the last answers, in bounded memory."""

    def __init__(self) -> None:
        self._answers: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def add(self, latency: float, now: float) -> None:
        """Record an answer.

        Args:
            latency: seconds from the frame's arrival.
            now: seconds of `time.monotonic`.
        """
        self._answers.append((latency, now))

    def percentiles(self) -> tuple[float, float]:
        """Return the median and the 99th percentile of the latencies, seconds; 0 before any answer."""
        if not self._answers:
            return 0.0, 0.0
        p50, p99 = np.percentile([latency for latency, _ in self._answers], (50, 99))
        return float(p50), float(p99)

    def rate(self, now: float) -> float:
        """Return the answers a second over the last 5 seconds.

        Args:
            now: seconds of `time.monotonic`.
        """
        recent = [moment for _, moment in self._answers if now - moment < _RATE_SECONDS]
        span = recent[-1] - recent[0] if recent else 0.0
        return (len(recent) - 1) / span if span > 0 else 0.0
