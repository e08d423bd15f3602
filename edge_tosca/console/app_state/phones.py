"""Stable answers for phones that send the frames of their own cameras."""

import threading
from collections import OrderedDict

from edge_tosca.console.app_state.image_analysis import AnalysedImage
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Consensus, StableAnswer

MOST = 16
"""Phones at once; a new one replaces the one that was silent longest."""


class Phones:
    """A consensus for each client, at most MOST of them."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._consensus: OrderedDict[str, Consensus] = OrderedDict()
        self._counts: dict[str, int] = {}
        self._learner: Learner | None = None
        self._lock = threading.Lock()

    def add(self, client: str, learner: Learner, image: AnalysedImage) -> tuple[int, StableAnswer]:
        """Add a phone's frame to its consensus.

        Args:
            client: the phone's own name for itself.
            learner: its store is read, within a snapshot.
            image: the frame.

        Returns:
            The number of frames of this phone, and the answer that it should show.

        Raises:
            LearnError: nothing was learned yet.
        """
        with self._lock:
            if learner is not self._learner:
                # A new store may have another backbone, whose features cannot join a burst of this one's.
                self._consensus.clear()
                self._learner = learner
            consensus = self._consensus.setdefault(client, Consensus(self._frames))
            self._consensus.move_to_end(client)
            self._counts[client] = self._counts.get(client, 0) + 1
            while len(self._consensus) > MOST:
                self._counts.pop(self._consensus.popitem(last=False)[0], None)
            return self._counts[client], consensus.add(learner, image.feature)
