"""A learner whose cached pictures vote: forgetting, the order of lessons, and stores of earlier versions."""

from dataclasses import replace

import numpy as np
import pytest

from edge_tosca.classifier.router import Router
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.model import Model
from edge_tosca.learner.verification import verify
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 32
SHOTS = 120
LESSONS = (("mug", "pen"), ("cup", "secret", "jar", "key"))


def pictures(label, count=SHOTS, seed=0):
    """Features of a class of two modes. Two classes share a middle, so that no linear rule parts them."""
    number = [name for lesson in LESSONS for name in lesson].index(label)
    middle, u, v = np.random.default_rng([number // 2, 3]).normal(size=(3, D))
    rng = np.random.default_rng([number, seed])
    side = rng.choice([-1, 1], size=(count, 1))
    way = u + v if number % 2 else u - v
    return (middle + 0.5 * side * way + 0.7 * rng.normal(size=(count, D))).astype(np.float16)


ASKED = np.concatenate([pictures(label, 40, 1) for lesson in LESSONS for label in lesson])


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


def learn(shop, *labels, count=SHOTS):
    shop.learn_features({label: pictures(label, count) for label in labels}, force=True)
    return shop


def derived(shop, table):
    return {name: array.tobytes() for name, array in (shop.store.derived(table) or {}).items()}


def test_the_vote_refines_the_answers(open_shop):
    shop = learn(open_shop("a.tosca"), *LESSONS[0])
    assert shop.model.router.vote is not None
    asked = np.concatenate([pictures(label, 200, 1) for label in LESSONS[0]])
    truth = np.repeat([0, 1], 200)
    alone, together = (
        np.mean(shop.model.posterior(asked, modules=refined).argmax(axis=1) == truth)
        for refined in (False, True)
    )
    assert together > alone + 0.1
    one_by_one = np.concatenate([shop.model.posterior(row[None]) for row in asked[:20]])
    np.testing.assert_allclose(shop.model.posterior(asked[:20]), one_by_one, atol=1e-3)


def test_forgetting_a_class_gives_the_bits_of_never_having_met_it(open_shop):
    shop, other = (learn(open_shop(name), *LESSONS[0]) for name in ("a.tosca", "b.tosca"))
    before = {task.module: shop.store.module(task.module) for task in shop.state.tasks}
    learn(shop, *LESSONS[1])
    shop.forget("secret")
    learn(other, *(label for label in LESSONS[1] if label != "secret"))
    assert "vote" in derived(shop, "routers")
    assert derived(shop, "routers") == derived(other, "routers")
    assert shop.model.predict(ASKED, top=3) == other.model.predict(ASKED, top=3)
    assert (
        before.items() <= {task.module: shop.store.module(task.module) for task in shop.state.tasks}.items()
    )


def test_a_class_that_is_forgotten_takes_the_vote_below_its_least_number_with_it(open_shop):
    shop = open_shop("a.tosca")
    shop.learn_features(
        {"mug": pictures("mug", 60), "pen": pictures("pen", 70), "cup": pictures("cup", 400)}, force=True
    )
    shop.forget("cup")
    assert "vote" not in derived(shop, "routers")


def test_the_order_of_lessons_changes_no_label(open_shop):
    one = learn(learn(open_shop("a.tosca"), *LESSONS[0]), *LESSONS[1])
    other = learn(learn(open_shop("b.tosca"), *LESSONS[1]), *LESSONS[0])
    assert one.model.router.vote == other.model.router.vote is not None
    names = [[answer.label for answer in shop.model.predict(ASKED, top=1)] for shop in (one, other)]
    assert np.mean([a == b for a, b in zip(*names, strict=True)]) > 0.99


def test_a_store_that_is_opened_again_answers_the_same_and_verifies(open_shop):
    shop = learn(open_shop("a.tosca"), *LESSONS[0])
    before = shop.model.predict(ASKED, top=3)
    again = Store.open(shop.store.path)
    assert Model(again, again.state()).predict(ASKED, top=3) == before
    assert verify(again).discrepancies == ()
    again.close()


def test_a_router_of_an_earlier_version_answers_without_the_vote(open_shop):
    shop = learn(open_shop("a.tosca"), *LESSONS[0])
    arrays = {name: array for name, array in shop.store.derived("routers").items() if name != "vote"}
    earlier = Model(shop.store, shop.state)
    earlier.router = Router.from_arrays(arrays, 2, D)
    assert np.array_equal(earlier.posterior(ASKED), shop.model.posterior(ASKED, modules=False))


def test_a_task_of_few_pictures_is_left_to_the_router(open_shop):
    shop = learn(learn(open_shop("a.tosca"), *LESSONS[0], count=20), *LESSONS[1])
    model = shop.model
    assert model.router.vote is not None
    without = Model(shop.store, shop.state)
    without.router = replace(model.router, vote=None)
    few = np.concatenate([pictures(label, 40, 1) for label in LESSONS[0]])
    first = slice(0, 2)
    inside = [
        found[:, first] / found[:, first].sum(axis=1, keepdims=True)
        for found in (model.posterior(few), without.posterior(few))
    ]
    np.testing.assert_allclose(*inside, rtol=1e-5)


def test_the_published_rule_has_no_vote(open_shop):
    shop = learn(open_shop("a.tosca", router="entropy"), *LESSONS[0])
    assert "vote" not in derived(shop, "routers")
