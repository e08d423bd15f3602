"""Learners of several threads that share one loaded backbone."""

import threading
from collections.abc import Callable

from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.learner import Learner
from edge_tosca.system.malloc import trim_heap
from edge_tosca.vision.feature_extractor import FeatureExtractor


class SharedBackbone:
    """Opens learners, each with a store connection of its own, that share a backbone.

    A second learner takes 20 MB more. Several threads may use the backbone at once. A backbone that does not
    fit the store is dropped, so that the next attempt loads the bundle that is there by then.

    Args:
        open_learner: opens a learner; the first one loads its backbone here.
    """

    def __init__(self, open_learner: Callable[[], Learner]) -> None:
        self._open = open_learner
        self._vision: FeatureExtractor | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Learner:
        """Open a learner.

        Returns:
            The learner; the caller closes it.

        Raises:
            EdgeToscaError: the store or its backbone cannot be opened, or the two do not fit.
        """
        learner = self._open()
        try:
            with self._lock:
                shared = self._vision
                # Another store may have another backbone.
                if shared is None or shared != learner.vision:
                    self._vision = learner.vision
                else:
                    learner.vision = shared
                self._check(learner)
                if learner.vision is not shared:
                    # Loading leaves several megabytes of freed heap.
                    trim_heap()
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
