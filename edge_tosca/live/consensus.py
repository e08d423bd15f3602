"""A stable answer from frames of a scene that changes: bursts that end at a cut, and hysteresis."""

import time
from collections import deque
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
"""Chosen by `edge_tosca.bench.display`, whose figures are in docs/camera.md."""


@dataclass(frozen=True, eq=False)
class StableAnswer:
    """What a display should say.

    Attributes:
        answer: the stable one; None before there is any.
        since: when it became this, in seconds of `time.monotonic`.
        changed: it differs from the one before in its label, or in being unknown.
        frames: views in the burst that is under way.
    """

    answer: Answer | None
    since: float
    changed: bool
    frames: int


class Consensus:
    """Answers the last frames of one scene as a burst, and shows an answer when some in a row agree.

    A burst of different objects is wrong, so a frame that looks unlike the one before it starts a new burst.

    Args:
        frames: of a burst, at most.
        agree: answers in a row that must say the same before the display changes.
        cut: least cosine of the power-normalised features of two frames in a row of one scene.
        top: number of guesses in an answer.

    Raises:
        LearnError: one of the numbers makes no sense.
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
        self._seen = 0

    def add(self, learner: Learner, feature: NDArray[np.float32]) -> StableAnswer:
        """Look at one frame more.

        Args:
            learner: that predicts the burst.
            feature: of the frame, [d].

        Returns:
            What to show now.

        Raises:
            LearnError: nothing was learned yet.
        """
        direction = normalize(feature[None])[0]
        if self._last is not None and float(direction @ self._last) < self._cut:
            self._views.clear()
        self._last = direction
        self._views.append(feature)
        answer = learner.predict_features(np.stack(self._views), self._top, burst=True)[0]
        return self._show(answer)

    def restart(self) -> None:
        """Begin a new burst; what is shown stays until new answers agree."""
        self._views.clear()
        self._last = self._candidate = None

    def _show(self, answer: Answer) -> StableAnswer:
        says = answer.label, answer.unknown
        self._seen = self._seen + 1 if says == self._candidate else 1
        self._candidate = says
        same = self._answer is not None and says == (self._answer.label, self._answer.unknown)
        changed = not same and self._seen >= self._agree
        if changed:
            self._since = time.monotonic()
        if same or changed:
            self._answer = answer
        return StableAnswer(self._answer, self._since, changed, len(self._views))
