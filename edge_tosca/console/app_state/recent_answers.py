"""Pictures of the last answers, in memory, so that an answer can be corrected."""

import secrets
import threading
from collections import OrderedDict

from edge_tosca.console.app_state.image_analysis import AnalysedImage

MOST = 200
"""Answers: about 10 MB. At ten a second, the answers of the last 20 seconds can be corrected."""


class RecentAnswers:
    """Pictures of answers by id; a new one replaces the oldest."""

    def __init__(self) -> None:
        self._images: OrderedDict[str, AnalysedImage] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._images)

    def add(self, image: AnalysedImage) -> str:
        """Keep the picture of an answer.

        Args:
            image: the picture.

        Returns:
            The answer's id.
        """
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._images[key] = image
            while len(self._images) > MOST:
                self._images.popitem(last=False)
        return key

    def find(self, key: str) -> AnalysedImage | None:
        """Return the picture of an answer; None if it is no longer kept."""
        with self._lock:
            return self._images.get(key)
