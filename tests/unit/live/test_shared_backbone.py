"""One loaded backbone for all learners of a process."""

import threading
from contextlib import closing

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.errors import StoreError
from edge_tosca.live.shared_backbone import SharedBackbone


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "shop.tosca"
    Learner.create(path).close()
    return path


def test_learners_share_a_backbone_and_have_each_a_store_of_its_own(store):
    open_learner = SharedBackbone(lambda: Learner.open(store))
    with closing(open_learner()) as one, closing(open_learner()) as other:
        assert one.vision.backend is other.vision.backend
        assert one.store is not other.store
    with closing(open_learner()) as later:
        assert later.vision is one.vision


def test_threads_that_open_at_once_load_it_once(store):
    open_learner = SharedBackbone(lambda: Learner.open(store))
    together = threading.Barrier(4)
    found = []

    def begin():
        together.wait()
        with closing(open_learner()) as learner:
            found.append(learner.vision.backend)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(backend is found[0] for backend in found)


def test_threads_that_ask_it_at_once_are_answered_as_one_is(store):
    open_learner = SharedBackbone(lambda: Learner.open(store))
    pictures = [np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8) for seed in range(6)]
    found = {}

    def look(name):
        with closing(open_learner()) as learner:
            found[name] = np.stack([one.features for one in learner.vision.extract(pictures)])

    look("alone")
    threads = [threading.Thread(target=look, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found["one"].tobytes() == found["other"].tobytes() == found["alone"].tobytes()


def test_a_backbone_that_does_not_fit_the_store_is_let_go_of(store):
    fits = True

    def open_one():
        learner = Learner.open(store)
        if not fits:
            learner.store.settings["backbone"] = "another"
        return learner

    open_learner = SharedBackbone(open_one)
    with closing(open_learner()) as first:
        fits = False
        with pytest.raises(StoreError, match="another backbone"):
            open_learner()
        fits = True
        # What lies in the bundle's folder by now is what is loaded.
        with closing(open_learner()) as later:
            assert later.vision.backend is not first.vision.backend
