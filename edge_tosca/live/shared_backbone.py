"""Learners of several threads that look through one loaded backbone."""

import threading
from collections.abc import Callable

from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.learner import Learner
from edge_tosca.system.malloc import give_back_freed
from edge_tosca.vision.feature_extractor import FeatureExtractor


class SharedBackbone:
    """Opens learners, each with a store of its own, that share a backbone: a second one takes 20 MB more.

    A backbone may be asked by several threads at once. One that does not fit the store is let go of, so that
    whoever opens the store again finds a bundle that was put in its place meanwhile.

    Args:
        open_learner: opens a learner; its backbone is loaded when it is first opened here.
    """

    def __init__(self, open_learner: Callable[[], Learner]) -> None:
        self._open = open_learner
        self._vision: FeatureExtractor | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Learner:
        """Open a learner.

        Returns:
            The learner; whoever asks closes it.

        Raises:
            EdgeToscaError: the store or its backbone cannot be opened, or the two do not fit.
        """
        learner = self._open()
        try:
            with self._lock:
                known = self._vision
                # Another store may have another backbone.
                if known is None or known != learner.vision:
                    self._vision = learner.vision
                else:
                    learner.vision = known
                self._check(learner)
                if learner.vision is not known:
                    # Loading leaves holes of several megabytes.
                    give_back_freed()
        except BaseException:
            learner.close()
            raise
        return learner

    def _check(self, learner: Learner) -> None:
        try:
            learner.vision.check(learner.store.settings, learner.store.path)
        except EdgeToscaError:
            self._vision = None
            raise
