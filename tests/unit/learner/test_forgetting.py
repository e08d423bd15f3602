"""Forgetting and rolling back, through the learner; the features are given, so no backbone is loaded."""

import numpy as np
import pytest

from edge_tosca.learner.learner import Learner
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
# Below D pictures the router is solved from the features, above it from their sums.
SHOTS = {"rows": 4, "gram": 16}


def pictures(label, shots):
    rng = np.random.default_rng(list(label.encode()))
    return (rng.normal(size=D) + 0.7 * rng.normal(size=(shots, D))).astype(np.float16)


STRANGERS = np.random.default_rng(0).normal(size=(40, D)).astype(np.float32)


@pytest.fixture
def open_shop(tmp_path, plain):
    shops = []

    def opened(name, **others):
        settings = {**plain, "feature_dim": str(D), **others}
        shops.append(Learner(Store.create(tmp_path / name, settings), FeatureExtractor()))
        return shops[-1]

    yield opened
    for shop in shops:
        shop.close()


@pytest.fixture(params=SHOTS)
def shots(request):
    return SHOTS[request.param]


def learn(shop, shots, *labels):
    return shop.learn_features({label: pictures(label, shots) for label in labels})


def answers(shop):
    """What the shop says of many pictures, to the last bit."""
    return shop.model.predict(STRANGERS, top=3)


def modules(shop):
    return {task.name: (task.module, shop.store.module(task.module)) for task in shop.state.tasks}


def test_forgetting_a_class_gives_the_answers_of_never_having_met_it(open_shop, shots):
    shop, other = open_shop("a.tosca"), open_shop("b.tosca")
    learn(shop, shots, "mug", "pen")
    learn(shop, shots, "cup", "secret", "jar")
    learn(shop, shots, "key")
    shop.forget("secret")
    learn(other, shots, "mug", "pen")
    learn(other, shots, "cup", "jar")
    learn(other, shots, "key")
    assert answers(shop) == answers(other)
    assert modules(shop) == modules(other)


def test_forgetting_a_class_leaves_the_modules_of_other_tasks_as_they_were(open_shop, shots):
    shop = open_shop("a.tosca")
    learn(shop, shots, "mug", "pen")
    learn(shop, shots, "cup", "secret", "jar")
    before = modules(shop)
    shop.forget("secret")
    after = modules(shop)
    assert after["task 1"] == before["task 1"]
    assert after["task 2"] != before["task 2"]


def test_learning_leaves_earlier_modules_as_they_were(open_shop, shots):
    shop = open_shop("a.tosca")
    learn(shop, shots, "mug", "pen")
    before = modules(shop)
    learn(shop, shots, "cup", "jar")
    assert modules(shop)["task 1"] == before["task 1"]


def test_rolling_back_gives_the_answers_and_modules_of_before(open_shop, shots):
    shop = open_shop("a.tosca")
    learn(shop, shots, "mug", "pen")
    before = answers(shop), modules(shop)
    learn(shop, shots, "cup", "jar")
    after = answers(shop), modules(shop)
    assert after != before
    shop.rollback()
    assert (answers(shop), modules(shop)) == before
    shop.rollback(2)
    assert (answers(shop), modules(shop)) == after


def test_a_store_opened_anew_gives_the_same_answers(open_shop, shots):
    shop = open_shop("a.tosca")
    learn(shop, shots, "mug", "pen")
    learn(shop, shots, "cup", "jar")
    again = Learner(Store.open(shop.store.path), FeatureExtractor())
    assert answers(again) == answers(shop)
    again.close()


def test_learning_from_kept_sums_equals_learning_from_the_cache(open_shop, shots):
    shop, other = open_shop("a.tosca"), open_shop("b.tosca")
    for each in (shop, other):
        learn(each, shots, "mug", "pen")
        learn(each, shots, "cup", "jar")
    with other.store.transaction():
        other.store.set_derived("statistics", 2, None)
    for each in (shop, other):
        learn(each, shots, "key", "box")
    assert answers(shop) == answers(other)


def test_classes_of_one_picture_each_leave_the_confidence_open(open_shop):
    shop = open_shop("a.tosca")
    learn(shop, 1, "mug", "pen", "cup")
    confidences = [answer.confidence for answer in answers(shop)]
    # One picture a class says nothing of how much a class varies; a stranger is no certainty.
    assert max(confidences) < 0.999


def test_the_papers_rule_forgets_a_class_of_two_lessons_and_makes_its_modules_as_if_never_met(open_shop):
    # Features as a backbone gives them, not as the cache rounds them.
    rng = np.random.default_rng(3)
    rows = {label: rng.normal(size=(6, D)).astype(np.float32) for label in ("mug", "secret", "pen")}
    again, key = rng.normal(size=(2, 6, D)).astype(np.float32)
    shop, other = (open_shop(name, router="entropy") for name in ("a.tosca", "b.tosca"))
    shop.learn_features(rows)
    shop.learn_features({"secret": again, "key": key})
    shop.forget("secret")
    other.learn_features({label: rows[label] for label in ("mug", "pen")})
    assert shop.state.labels == ("mug", "pen", "key")
    assert modules(shop)["task 1"] == modules(other)["task 1"]
