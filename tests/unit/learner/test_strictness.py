"""The dial of what is called unknown, and the probabilities that it leaves alone; features are given."""

import json

import numpy as np
import pytest

from edge_tosca.errors import LearnError, StoreError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.strictness import parse_strictness
from edge_tosca.learner.verification import verify
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
ANYTHING = np.random.default_rng(0).normal(size=(60, D)).astype(np.float32)


def pictures(seed, shots=12, noise=0.5):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=D) + noise * rng.normal(size=(shots, D))).astype(np.float16)


@pytest.fixture
def shop(tmp_path, plain):
    settings = {**plain, "feature_dim": str(D)}
    shop = Learner(Store.create(tmp_path / "shop.tosca", settings), FeatureExtractor())
    shop.learn_features({"mug": pictures(1), "pen": pictures(2), "cup": pictures(3)}, force=True)
    yield shop
    shop.close()


def asked(shop):
    return np.concatenate([ANYTHING, *(pictures(seed, 20).astype(np.float32) for seed in (1, 2, 3))])


def unknown(shop):
    return [answer.unknown for answer in shop.predict_features(asked(shop), 1)]


def test_probabilities_of_all_classes_and_of_unknown_add_up_to_one(shop):
    for answer in shop.predict_features(asked(shop), 3):
        assert sum(guess.probability for guess in answer.top) + answer.unknown_probability == pytest.approx(1)
        assert answer.probability == answer.top[0].probability
        assert answer.probability <= answer.confidence


def test_with_one_class_the_probability_still_means_something(tmp_path, plain):
    learner = Learner(
        Store.create(tmp_path / "one.tosca", {**plain, "feature_dim": str(D)}), FeatureExtractor()
    )
    learner.learn_features({"mug": pictures(1)}, force=True)
    answers = learner.predict_features(np.concatenate([pictures(1, 40), ANYTHING]).astype(np.float32), 1)
    assert {answer.confidence for answer in answers} == {1.0}
    assert np.mean([answer.probability for answer in answers[:40]]) > 0.7
    assert np.mean([answer.probability for answer in answers[40:]]) < 0.3
    learner.close()


def test_the_dial_goes_from_nothing_to_everything_and_changes_no_probability(shop):
    before = shop.predict_features(asked(shop), 3)
    shares = []
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        shop.set_strictness(value)
        answers = shop.predict_features(asked(shop), 3)
        assert [answer.top for answer in answers] == [answer.top for answer in before]
        shares.append(np.mean([answer.unknown for answer in answers]))
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert shares[2] == np.mean([answer.unknown for answer in before])


def test_the_dial_of_one_class_turns_its_answers_alone(shop):
    before = shop.predict_features(asked(shop), 1)
    shop.set_strictness(1.0, "mug")
    for answer, earlier in zip(shop.predict_features(asked(shop), 1), before, strict=True):
        assert answer.unknown == (earlier.unknown or answer.label == "mug")
    assert shop.strictness.by_label(shop.state) == {"mug": 1.0}
    shop.set_strictness(None, "mug")
    assert shop.predict_features(asked(shop), 1)[0].unknown == before[0].unknown
    assert shop.strictness.by_label(shop.state) == {}


def test_a_class_keeps_its_dial_under_another_name_and_loses_it_when_it_is_forgotten(shop):
    shop.set_strictness(0.9, "mug")
    shop.rename("mug", "beaker")
    assert shop.strictness.by_label(shop.state) == {"beaker": 0.9}
    shop.forget("beaker")
    shop.set_strictness(0.4)
    assert shop.strictness.classes == {}


def test_turning_the_dial_is_an_audit_entry_and_no_generation(shop):
    generation, entries = shop.store.latest(), len(shop.store.audit_log.all())
    shop.set_strictness(0.7)
    assert shop.store.latest() == generation
    assert [entry.command for entry in shop.store.audit_log.all()[entries:]] == ["strictness"]
    assert not verify(shop.store).discrepancies


def test_another_process_sees_the_dial_at_its_next_answer(shop):
    other = Learner.open(shop.store.path)
    assert not all(answer.unknown for answer in other.predict_features(asked(shop), 1))
    shop.set_strictness(1.0)
    assert all(answer.unknown for answer in other.predict_features(asked(shop), 1))
    other.close()


def test_the_label_of_a_class_is_not_in_the_setting(shop):
    shop.set_strictness(0.9, "mug")
    assert "mug" not in shop.store.settings["strictness"]
    assert json.loads(shop.store.settings["strictness"])["all"] == 0.5


def test_the_effect_counts_the_pictures_that_placed_the_threshold(shop):
    effects = [shop.strictness_effect(value) for value in (0.0, 0.5, 1.0)]
    assert [effect.known for effect in effects] == [36, 36, 36]
    assert effects[0].known_refused == 0
    assert effects[2].known_refused == 36
    assert effects[1].threshold == pytest.approx(shop.model.router.ood.threshold)
    assert unknown(shop) == unknown(shop)


def test_before_the_first_lesson_there_is_nothing_to_count(tmp_path, plain):
    learner = Learner(Store.create(tmp_path / "new.tosca", plain), FeatureExtractor())
    assert learner.strictness_effect(0.5).known == 0
    learner.close()


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_dial_has_two_ends(shop, value):
    with pytest.raises(LearnError, match=r"0 \.\. 1"):
        shop.set_strictness(value)


def test_the_class_of_a_dial_must_be_known(shop):
    with pytest.raises(LearnError, match="has no class 'sofa'"):
        shop.set_strictness(0.5, "sofa")
    assert shop.strictness.classes == {}


def test_named_levels_and_numbers_are_read():
    assert [parse_strictness(text) for text in ("lenient", "balanced", "strict", "0.1")] == [
        0.25,
        0.5,
        0.75,
        0.1,
    ]
    for text in ("loose", "2", "nan"):
        with pytest.raises(LearnError, match="lenient, balanced, strict"):
            parse_strictness(text)


@pytest.mark.parametrize("kept", ["", "[]", '{"all": 2, "classes": {}}', '{"all": 0.5, "classes": {"x": 1}}'])
def test_a_damaged_dial_is_reported(shop, kept):
    with shop.store.transaction():
        shop.store.set_setting("strictness", kept)
    with pytest.raises(StoreError, match="damaged"):
        shop.predict_features(ANYTHING[:1], 1)
