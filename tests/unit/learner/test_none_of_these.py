"""Pictures of none of the classes: never named, erased without a trace, and a border where they lie."""

import sqlite3

import numpy as np
import pytest

from edge_tosca.classifier.ood.none_of_these import MOST_MEANS, cluster_means
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import normalize
from edge_tosca.labels import NONE_LABEL, normalized_label
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.learner.none_of_these import learn_none
from edge_tosca.learner.storage_limit import LEAST, limit_size
from edge_tosca.learner.verification import verify
from edge_tosca.store.encryption import decrypt, encrypt
from edge_tosca.store.store import Store
from edge_tosca.store.validation import SETTINGS
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 64
STORED = dict.fromkeys(SETTINGS, "") | {"router": "fused", "feature_dim": str(D), "refused": "0.05"}


def pictures(seed, shots=20, more=0, noise=0.5):
    """Features of one kind; seeds below 100 are classes, and 100 is not far from class 0."""
    rng = np.random.default_rng(seed % 100)
    centre = rng.normal(size=D)
    if seed >= 100:
        centre += 0.4 * np.random.default_rng(seed).normal(size=D)
    return (centre + noise * np.random.default_rng((seed, more)).normal(size=(shots, D))).astype(np.float32)


def none_of(*kinds, shots=20):
    rows = np.concatenate([pictures(kind, shots) for kind in kinds])
    return LessonClass(rows, [f"none {place}" for place in range(len(rows))])


@pytest.fixture
def shop(tmp_path):
    opened = Learner(Store.create(tmp_path / "shop.tosca", STORED), FeatureExtractor())
    opened.learn_features({"mug": pictures(0), "pen": pictures(1)})
    yield opened
    opened.close()


def format_of(store):
    connection = sqlite3.connect(store.path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()


def unknown(shop, rows):
    return np.mean([answer.unknown for answer in shop.predict_features(rows)])


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_pictures_like_those_of_none_are_unknown_and_those_of_the_classes_are_not(shop):
    like, known = pictures(100, 50, more=1), pictures(0, 50, more=1)
    assert unknown(shop, like) < 0.5
    before = unknown(shop, known)
    learn_none(shop.store, none_of(100))
    assert unknown(shop, like) > 0.8
    assert unknown(shop, known) <= before + 0.02


def test_none_of_the_classes_is_never_named(shop):
    learn_none(shop.store, none_of(100, 50))
    answers = shop.predict_features(
        np.concatenate([pictures(100, 9), pictures(50, 9), pictures(7, 9)]), top=5
    )
    assert {guess.label for answer in answers for guess in answer.top} == {"mug", "pen"}
    assert shop.state.labels == ("mug", "pen")
    assert [task.name for task in shop.state.tasks] == ["task 1"]
    assert sum(group.images for group in shop.state.none_groups) == 40


def test_confidences_scores_and_modules_stay_as_they_are(shop):
    rows = np.concatenate([pictures(0, 5, more=2), pictures(100, 5, more=2)])
    before, modules = shop.predict_features(rows, top=2), [task.module for task in shop.state.tasks]
    learn_none(shop.store, none_of(100))
    after = shop.predict_features(rows, top=2)
    for one, other in zip(before, after, strict=True):
        assert [(guess.label, guess.confidence) for guess in other.top] == [
            (guess.label, guess.confidence) for guess in one.top
        ]
        assert other.familiarity == one.familiarity
        # What is like these pictures is the less probably a class.
        assert other.unknown_probability >= one.unknown_probability
    assert [task.module for task in shop.state.tasks] == modules


def test_after_forgetting_them_the_router_is_that_of_never_having_seen_them(shop):
    router = shop.store.derived("routers")
    learn_none(shop.store, none_of(100))
    learn_none(shop.store, none_of(50))
    assert not same(shop.store.derived("routers"), router)
    shop.forget_none()
    assert same(shop.store.derived("routers"), router)
    assert shop.state.none == ()
    assert shop.store.groups_ever(NONE_LABEL) == {}
    with pytest.raises(LearnError, match="no pictures of none of the classes"):
        shop.forget_none()


def test_rollback_takes_them_out_and_brings_them_back(shop):
    learn_none(shop.store, none_of(100))
    router = shop.store.derived("routers")
    shop.rollback()
    assert shop.state.none_groups == ()
    shop.rollback(2)
    assert same(shop.store.derived("routers"), router)
    assert [group.images for group in shop.state.none_groups] == [20]


def test_only_a_store_that_holds_some_has_a_format_that_earlier_versions_refuse(shop):
    assert format_of(shop.store) == 2
    learn_none(shop.store, none_of(100))
    assert format_of(shop.store) == 4
    shop.rollback()
    # They are in its history.
    assert format_of(shop.store) == 4
    shop.forget_none()
    assert format_of(shop.store) == 2


def test_an_encrypted_store_with_some_has_a_format_of_its_own(shop, tmp_path):
    key = tmp_path / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    learn_none(shop.store, none_of(100))
    shop.store.close()
    encrypt(shop.store.path, key)
    assert format_of(shop.store) == 5
    opened = Store.open(shop.store.path, key)
    assert [group.label for group in opened.state().none_groups] == [NONE_LABEL]
    assert b" none" not in shop.store.path.read_bytes()
    opened.close()
    decrypt(shop.store.path, key)
    assert format_of(shop.store) == 4


def test_a_store_with_some_verifies_and_its_classes_can_be_learned_and_forgotten(shop):
    learn_none(shop.store, none_of(100))
    shop.learn_features({"cup": pictures(2)})
    assert unknown(shop, pictures(100, 30, more=1)) > 0.8
    shop.forget("pen")
    assert unknown(shop, pictures(100, 30, more=1)) > 0.8
    assert verify(shop.store).discrepancies == ()


def test_they_may_be_shown_before_the_first_class(tmp_path):
    shop = Learner(Store.create(tmp_path / "new.tosca", STORED), FeatureExtractor())
    report = learn_none(shop.store, none_of(100))
    assert (report.none, report.outcomes_before, report.warnings) == (20, None, ())
    shop.learn_features({"mug": pictures(0)})
    assert unknown(shop, pictures(100, 30, more=1)) > 0.8
    shop.close()


def test_the_report_says_what_they_change_and_warns_of_pictures_of_a_class(shop):
    report = learn_none(shop.store, none_of(100))
    assert report.warnings == ()
    assert (report.images, report.none) == (20, 20)
    assert report.outcomes_before.images == report.outcomes_after.images == 40
    report = learn_none(shop.store, none_of(0))
    (warning,) = report.warnings
    assert "held-out pictures of 'mug' are unknown now" in warning
    assert report.outcomes_after.unknown > report.outcomes_before.unknown + 0.3


def test_a_burst_of_them_is_unknown(shop):
    learn_none(shop.store, none_of(100))
    (answer,) = shop.predict_features(pictures(100, 5, more=3), burst=True)
    assert answer.unknown
    (answer,) = shop.predict_features(pictures(0, 5, more=3), burst=True)
    assert not answer.unknown


def test_they_are_thinned_with_the_classes_of_a_store_with_a_limit(shop):
    learn_none(shop.store, none_of(100, 50, 51, shots=300))
    before = shop.store.images()
    limit_size(shop.store, shop.store.used())
    assert shop.store.images() < before
    assert min(group.images for group in shop.state.none_groups) >= LEAST
    assert unknown(shop, pictures(100, 30, more=1)) > 0.8


def test_no_class_can_have_their_label():
    assert normalized_label(NONE_LABEL) != NONE_LABEL


def test_means_are_those_of_clusters_and_no_more_than_the_pictures_show():
    rows = normalize(np.concatenate([pictures(0, 30), pictures(1, 30)]))
    means = cluster_means(rows)
    assert len(means) <= 60 // 8
    sides = means @ np.stack([rows[:30].mean(axis=0), rows[30:].mean(axis=0)]).T
    assert set(sides.argmax(axis=1).tolist()) == {0, 1}
    assert len(cluster_means(rows[:5])) == 1
    assert np.allclose(cluster_means(rows[:5])[0], rows[:5].mean(axis=0))
    assert len(cluster_means(normalize(np.concatenate([pictures(s, 40) for s in range(9)])))) <= MOST_MEANS


def test_the_same_pictures_give_one_mean():
    assert np.allclose(
        cluster_means(np.repeat(normalize(pictures(0, 1)), 20, axis=0)), normalize(pictures(0, 1))
    )
