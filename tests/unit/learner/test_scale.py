"""Large learners: what is left out, kept or compressed for speed changes no answer."""

import gc
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.bench.synthetic import task_features
from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.digests import sha256
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.lru_cache import Cache
from edge_tosca.learner.model import Model, _largest
from edge_tosca.learner.refit import refit
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.tosca.luca import FLOWS, initial_parameters
from edge_tosca.tosca.pruning import memory_bytes, prune
from edge_tosca.tosca.task_module import Module
from edge_tosca.vision.feature_extractor import FeatureExtractor

pytestmark = pytest.mark.slow

D = 64
CLASSES_A_TASK = 10


def settings(d):
    return dict.fromkeys(SETTINGS, "") | {"router": "fused", "feature_dim": str(d), "refused": "0.05"}


def silent_module(d, heard, kept, flow="tosca", seed=0, classes=CLASSES_A_TASK):
    """A module of which some hidden units hear nothing, one says nothing and some weights are zero."""
    rng = np.random.default_rng(seed)
    parameters = initial_parameters(d, rng, flow)
    for name, value in parameters.items():
        value += 0.05 * rng.normal(size=value.shape).astype(np.float32)
        value *= rng.random(value.shape) < kept
        if name in ("W1", "V1", "b1"):
            value[heard:] = 0
        if name in ("W2", "V2"):
            value[:, :1] = 0
    return Module.rounded(flow, parameters, rng.normal(size=(classes, d)), 9.0)


@given(
    flow=st.sampled_from(FLOWS),
    d=st.integers(16, 128),
    heard=st.integers(0, 8),
    kept=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
def test_a_module_answers_alike_with_and_without_its_silent_units(flow, d, heard, kept, seed):
    module = silent_module(d, heard, kept, flow, seed)
    x = np.random.default_rng(seed).normal(size=(5, d)).astype(np.float32)
    small = prune(module)
    assert memory_bytes(small) <= memory_bytes(module)
    # Cosines of float32 sums over at most 128 terms, added in another order.
    np.testing.assert_allclose(small.cosines(x), module.cosines(x), rtol=0, atol=5e-6)


def test_a_module_with_few_units_takes_a_fraction_of_the_memory():
    module = silent_module(1280, heard=6, kept=1.0)
    assert memory_bytes(prune(module)) < 0.15 * memory_bytes(module)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 40))
def test_a_cache_gives_what_reading_gives_and_holds_no_more_than_it_may(keys, most):
    held = {}

    def read(key):
        held[key] = np.full(key + 1, key, np.uint8)
        return held[key]

    cache = Cache(read, lambda array: array.nbytes, most)
    for key in keys:
        assert cache(key).tolist() == [key] * (key + 1)
        sizes = [value.nbytes for value in cache._values.values()]
        assert sum(sizes) <= most or len(sizes) == 1
        assert key in cache._values


def test_what_an_earlier_generation_knew_leaves_memory_at_once(tmp_path):
    learner = Learner(Store.create(tmp_path / "a.tosca", settings(D)), FeatureExtractor())
    learner.learn_features(task_features(0, CLASSES_A_TASK, D), force=True)
    earlier = learner.model
    earlier.predict(next(iter(task_features(0, 1, D).values()))[:1], 3)
    earlier.features_of(0)
    seen = weakref.ref(earlier)
    del earlier
    gc.disable()
    try:
        learner.learn_features(task_features(1, CLASSES_A_TASK, D), force=True)
        assert learner.model.state.generation == 2
        # Without a collection: what holds itself in a circle would still be there.
        assert seen() is None
    finally:
        gc.enable()
    learner.close()


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_sums_survive_their_packed_form_to_the_last_bit(seed, sizes):
    rng = np.random.default_rng(seed)
    statistics = GramStatistics.of_groups([normalize(rng.normal(size=(size, 24))) for size in sizes], 24)
    again = GramStatistics.from_arrays(statistics.to_arrays(), sizes, 24)
    assert again.sums.tobytes() == statistics.sums.tobytes()
    for name, value in statistics.to_arrays().items():
        assert again.to_arrays()[name].tobytes() == value.tobytes()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A learner of 200 classes in 20 tasks."""
    learner = Learner(
        Store.create(tmp_path_factory.mktemp("shop") / "a.tosca", settings(D)), FeatureExtractor()
    )
    for task in range(20):
        learner.learn_features(task_features(task, CLASSES_A_TASK, D), force=True)
    yield learner
    learner.close()


def heard(model):
    model.router = replace(model.router, module_weight=1.0)
    return model


QUESTIONS = np.concatenate([rows[:2] for rows in task_features(3, 60, D).values()])


def test_a_warm_learner_and_a_fresh_one_answer_alike(shop):
    warm = heard(Model(shop.store, shop.state))
    warm.predict(QUESTIONS, 5)
    for row in QUESTIONS[:40]:
        again = Store.open(shop.store.path)
        fresh = heard(Model(again, again.state()))
        assert warm.predict(row[None], 5) == fresh.predict(row[None], 5)
        again.close()


def test_pictures_asked_together_are_answered_as_one_by_one(shop):
    model = heard(Model(shop.store, shop.state))
    for one, row in zip(model.predict(QUESTIONS, 3), QUESTIONS, strict=True):
        (alone,) = model.predict(row[None], 3)
        assert [guess.label for guess in alone.top] == [guess.label for guess in one.top]
        # Products of many rows and of one are added up in different orders, in float32, then exponentiated.
        assert alone.confidence == pytest.approx(one.confidence, abs=1e-3)
        assert alone.familiarity == pytest.approx(one.familiarity, abs=1e-3)


def test_whole_modules_give_the_answers_of_compacted_ones(shop):
    compacted, whole = (heard(Model(shop.store, shop.state)) for _ in range(2))
    whole._module = lambda digest: Module.from_bytes(shop.store.module(digest))
    np.testing.assert_allclose(compacted.posterior(QUESTIONS), whole.posterior(QUESTIONS), rtol=0, atol=1e-4)


def test_equal_confidences_are_listed_in_the_order_of_learning():
    values = np.array([0.2, 0.5, 0.2, 0.5, 0.1, 0.2])
    for count in range(1, 8):
        expected = np.argsort(-values, kind="stable")[:count].tolist()
        assert _largest(values, count) == expected


LARGE = 1280
PEAK = """
import sys
from pathlib import Path
from edge_tosca.bench.memory import peak_memory
print(peak_memory(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's peak")
def test_a_learner_of_a_thousand_classes_answers_and_learns_within_300_megabytes(tmp_path):
    path = tmp_path / "large.tosca"
    learner = Learner(Store.create(path, settings(LARGE)), FeatureExtractor())
    store = learner.store
    # One module for all tasks but for its scale: memory is measured, and a hundred trainings take long.
    module = silent_module(LARGE, heard=20, kept=0.3)
    with store.transaction():
        for task in range(100):
            generation = store.add_generation("learn", task)
            features = task_features(task, CLASSES_A_TASK, LARGE)
            cosines = np.full((20 * CLASSES_A_TASK, CLASSES_A_TASK), np.nan)
            data = replace(module, scale=9.0 + task).to_bytes()
            store.add_module(sha256(data), data, cosines)
            half = {label: rows.astype(np.float16) for label, rows in features.items()}
            store.add_task(f"task {task}", sha256(data), half, generation)
        after = refit(learner.store, generation)
        store.set_report(generation, {BY_CLASS: accuracy_by_class(after.state, after.held_out)})
    learner.close()
    for what in ("predict", "learn"):
        command = [sys.executable, "-c", PEAK, what, str(path)]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        assert float(found.stdout) < 300
