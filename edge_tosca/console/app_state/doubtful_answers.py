"""Pictures that were named, but hardly: two classes were nearly as probable. They are worth a question."""

import threading
from collections.abc import Container
from dataclasses import dataclass

import numpy as np

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.features.farthest_points import farthest_points
from edge_tosca.quality.near_duplicates import NEAR_DUPLICATE_COSINE
from edge_tosca.results import Answer

MOST = 40
"""Pictures: about 2 MB; the most different ones are kept."""

LEAST_LEAD = 0.5
"""Difference of the two greatest confidences below which an answer is doubtful."""


@dataclass(frozen=True, eq=False)
class DoubtfulAnswer:
    """A picture, and the class that it was named.

    Attributes:
        id: of the answer.
        image: the picture.
        label: of the answer.
    """

    id: str
    image: AnalysedImage
    label: str


class DoubtfulAnswers:
    """At most MOST pictures, in memory."""

    def __init__(self) -> None:
        self._answers: list[DoubtfulAnswer] = []
        self._lock = threading.Lock()

    def add(self, key: str, image: AnalysedImage, answer: Answer) -> None:
        """Keep the picture of an answer if the answer is doubtful and the picture is not there yet.

        Args:
            key: id of the answer.
            image: its picture.
            answer: of the learner, a class.
        """
        if len(answer.top) < 2 or answer.top[0].confidence - answer.top[1].confidence >= LEAST_LEAD:
            return
        with self._lock:
            # Features of another backbone cannot be compared, and are of no use.
            width = len(image.normalized)
            self._answers = [one for one in self._answers if len(one.image.normalized) == width]
            z = np.stack([one.image.normalized for one in self._answers] + [image.normalized])
            if (z[:-1] @ z[-1] >= NEAR_DUPLICATE_COSINE).any():
                return
            every = [*self._answers, DoubtfulAnswer(key, image, answer.label)]
            self._answers = [every[place] for place in farthest_points(z, MOST)]

    def answers(self) -> list[DoubtfulAnswer]:
        """Return all of them, the oldest first."""
        with self._lock:
            return list(self._answers)

    def picture(self, key: str) -> AnalysedImage | None:
        """Return a picture by the id of its answer; None if there is none."""
        return next((one.image for one in self.answers() if one.id == key), None)

    def remove(self, keys: Container[str]) -> None:
        """Remove pictures by the ids of their answers."""
        with self._lock:
            self._answers = [one for one in self._answers if one.id not in keys]

    def drop(self, labels: Container[str]) -> None:
        """Remove the pictures that were named as some classes: they were forgotten."""
        with self._lock:
            self._answers = [one for one in self._answers if one.label not in labels]
