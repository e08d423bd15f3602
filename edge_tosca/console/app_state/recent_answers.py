"""The last answers and their pictures, in memory, so that one can be corrected."""

import secrets
import threading
from collections import OrderedDict

from edge_tosca.console.app_state.image_analysis import AnalysedImage

MOST = 200
"""Answers: about 10 MB. At ten a second, what was shown within the last 20 seconds can be corrected."""


class Recent:
    """Pictures of answers by id; the oldest give way."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, AnalysedImage] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, seen: AnalysedImage) -> str:
        """Keep the picture of an answer.

        Args:
            seen: the picture.

        Returns:
            The answer's id.
        """
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._seen[key] = seen
            while len(self._seen) > MOST:
                self._seen.popitem(last=False)
        return key

    def find(self, key: str) -> AnalysedImage | None:
        """Find the picture of an answer; None where it is not kept any more."""
        with self._lock:
            return self._seen.get(key)
