"""A region that is bound to classes answers among them, as if no other were known; features are given."""

import numpy as np
import pytest

from edge_tosca.errors import LearnError
from edge_tosca.learner.learner import Learner
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
LABELS = ("mug", "pen", "cup", "key", "tap")


def pictures(seed, shots=20, noise=0.5, draw=0):
    centre = np.random.default_rng(seed).normal(size=D)
    return (centre + noise * np.random.default_rng((seed, draw)).normal(size=(shots, D))).astype(np.float32)


@pytest.fixture
def shop(tmp_path, plain):
    shop = Learner(
        Store.create(tmp_path / "shop.tosca", {**plain, "feature_dim": str(D)}), FeatureExtractor()
    )
    shop.learn_features({label: pictures(seed) for seed, label in enumerate(LABELS)}, force=True)
    yield shop
    shop.close()


def asked():
    return np.concatenate([pictures(seed, 10, draw=1) for seed in range(len(LABELS))])


def test_among_all_classes_every_answer_is_identical(shop):
    for burst in (False, True):
        every = shop.predict_features(asked(), 3, burst=burst)
        assert shop.predict_features(asked(), 3, burst=burst, among=frozenset(LABELS)) == every


def test_only_its_classes_are_answered_and_their_probabilities_keep_their_proportion(shop):
    some = frozenset({"mug", "pen"})
    for answer, free in zip(
        shop.predict_features(asked(), 5, among=some), shop.predict_features(asked(), 5), strict=True
    ):
        assert {guess.label for guess in answer.top} == some
        assert sum(guess.confidence for guess in answer.top) == pytest.approx(1)
        at = {guess.label: guess.confidence for guess in free.top}
        share = at["mug"] / (at["mug"] + at["pen"])
        found = {guess.label: guess.confidence for guess in answer.top}
        assert found["mug"] == pytest.approx(share, abs=1e-5)


def test_a_class_of_another_region_is_unknown_and_its_own_are_not(shop):
    some = frozenset({"mug", "pen"})
    own = shop.predict_features(asked()[:20], 1, among=some)
    others = shop.predict_features(asked()[20:], 1, among=some)
    assert np.mean([answer.unknown for answer in own]) < 0.2
    assert np.mean([answer.unknown for answer in others]) > 0.8


def test_a_region_whose_classes_are_all_forgotten_answers_nothing(shop):
    for gone in (frozenset(), frozenset({"spoon"})):
        with pytest.raises(LearnError, match="none of the classes"):
            shop.predict_features(asked(), 1, among=gone)
