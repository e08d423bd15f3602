"""A stable answer to frames of a changing scene: bursts that end at a scene cut, and hysteresis."""

import time
from collections import deque
from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer

FRAMES = 5
AGREE = 3
CUT = 0.8
"""Chosen by `tests/benchmarks/consensus.py`, whose figures are in docs/camera.md."""


@dataclass(frozen=True, eq=False)
class StableAnswer:
    """The answer that a display should show.

    Attributes:
        answer: the stable answer; None before there is one.
        since: when it last changed, in seconds of `time.monotonic`.
        changed: whether this frame changed it: in its label, or in being unknown.
        frames: number of frames in the current burst.
    """

    answer: Answer | None
    since: float
    changed: bool
    frames: int


class Consensus:
    """Predicts the last frames of one scene as a burst; the shown answer changes when several agree in a row.

    A burst must show one object, so that a frame unlike the one before it starts a new burst.

    Args:
        frames: maximum number of frames in a burst.
        agree: number of equal answers in a row that change the shown answer.
        cut: minimum cosine of the power-normalised features of consecutive frames of one scene.
        top: number of classes in an answer.

    Raises:
        LearnError: a number is out of range.
    """

    def __init__(self, frames: int = FRAMES, agree: int = AGREE, cut: float = CUT, top: int = 4) -> None:
        if frames < 1 or agree < 1 or not -1 <= cut <= 1:
            raise LearnError("frames and agree must be at least 1, and cut within -1 .. 1")
        self._views: deque[NDArray[np.float32]] = deque(maxlen=frames)
        self._last: NDArray[np.float32] | None = None
        self._agree = agree
        self._cut = cut
        self._top = top
        self._answer: Answer | None = None
        self._since = 0.0
        self._candidate: tuple[str, bool] | None = None
        self._repeated = 0

    def add(
        self, learner: Learner, feature: NDArray[np.float32], among: Set[str] | None = None
    ) -> StableAnswer:
        """Add a frame.

        Args:
            learner: predicts the burst.
            feature: float32 [d], of the frame.
            among: labels that can be answered; None for all.

        Returns:
            The answer to show now.

        Raises:
            LearnError: nothing has been learned yet.
        """
        direction = normalize(learner.store.first_part(feature)[None])[0]
        if self._last is not None and float(direction @ self._last) < self._cut:
            self._views.clear()
        self._last = direction
        self._views.append(feature)
        answer = learner.predict_features(np.stack(self._views), self._top, burst=True, among=among)[0]
        return self._show(answer)

    def restart(self) -> None:
        """Start a new burst; the shown answer stays until new answers agree."""
        self._views.clear()
        self._last = self._candidate = None

    def _show(self, answer: Answer) -> StableAnswer:
        candidate = answer.label, answer.unknown
        self._repeated = self._repeated + 1 if candidate == self._candidate else 1
        self._candidate = candidate
        same = self._answer is not None and candidate == (self._answer.label, self._answer.unknown)
        changed = not same and self._repeated >= self._agree
        if changed:
            self._since = time.monotonic()
        if same or changed:
            self._answer = answer
        return StableAnswer(self._answer, self._since, changed, len(self._views))
