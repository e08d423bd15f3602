"""Shortlists: one picture is answered as by all groups' exact scores, without reading most of them."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

from edge_tosca.audit import verify
from edge_tosca.conditioning import condition
from edge_tosca.knowledge import Knowledge
from edge_tosca.learner import Learner
from edge_tosca.shortlist import FEWEST, TOLERANCE, Shortlist, fit_shortlist
from edge_tosca.soundness import SETTINGS
from edge_tosca.store import Store
from edge_tosca.vision import Vision

D = 64
SHOTS = 2
A_TASK = 66
TASKS = 4
SETTINGS_OF_A_STORE = dict.fromkeys(SETTINGS, "") | {
    "router": "fused",
    "feature_dim": str(D),
    "refused": "0.05",
}


def pictures(label, shots=SHOTS, seed=0):
    """Draw pictures of a class; classes differ in a dozen ways, as real ones differ in few."""
    ways = np.random.default_rng(1).normal(size=(12, D))
    middle = 3 * np.random.default_rng(list(label.encode())).normal(size=12) @ ways
    return (middle + np.random.default_rng((seed, len(label))).normal(size=(shots, D))).astype(np.float32)


def task(number, left_out=()):
    labels = [f"class {number * A_TASK + place}" for place in range(A_TASK)]
    return {label: pictures(label) for label in labels if label not in left_out}


def learner(path, left_out=()):
    shop = Learner(Store.create(path, SETTINGS_OF_A_STORE), Vision())
    for number in range(TASKS):
        shop.learn_features(task(number, left_out), force=True)
    return shop


def copy_of(shop, folder):
    shop.store.vacuum()
    shutil.copyfile(shop.store.path, folder / "copy.tosca")
    return Learner(Store.open(folder / "copy.tosca"), Vision())


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = learner(tmp_path_factory.mktemp("shop") / "a.tosca")
    yield shop
    shop.close()


def questions(count=80):
    return np.concatenate([pictures(f"class {3 * place}", 1, seed=9) for place in range(count)])


def heard(knowledge, **changes):
    """Let the modules speak, whether they help or not."""
    knowledge.router = replace(knowledge.router, module_weight=1.0, **changes)
    return knowledge


def asked_one_by_one(knowledge):
    return [knowledge.decide(row[None], 3)[0] for row in questions()]


def test_one_picture_is_answered_as_by_all_groups_scores(shop):
    quick = asked_one_by_one(heard(Knowledge(shop.store, shop.state)))
    whole = asked_one_by_one(heard(Knowledge(shop.store, shop.state), shortlist=None))
    assert [answer.label for answer in quick] == [answer.label for answer in whole]
    assert [answer.unknown for answer in quick] == [answer.unknown for answer in whole]
    for one, other in zip(quick, whole, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=TOLERANCE)
        assert one.task == other.task


def test_an_answer_reads_no_weights_of_groups_that_are_not_on_the_list(shop):
    knowledge = heard(Knowledge(shop.store, shop.state))
    router = knowledge.router
    assert router.shortlist is not None
    for row in questions(20):
        before = knowledge.decide(row[None], 3)
        _, listed, _ = router.glance(condition(row[None])[0], router.shortlist)
        assert len(listed) == router.shortlist.length < 0.5 * len(shop.state.groups)
        unread = np.ones(len(router.discriminant.weights), bool)
        unread[[*listed, -1]] = False
        for place in set(knowledge.task_of_group[listed].tolist()):
            unread[knowledge.columns[place]] = False
        weights = np.where(unread[:, None], np.nan, router.discriminant.weights)
        knowledge.router = replace(router, discriminant=replace(router.discriminant, weights=weights))
        assert knowledge.decide(row[None], 3) == before
        knowledge.router = router


def test_forgetting_gives_the_answers_of_never_having_met_a_class_by_a_shortlist_too(shop, tmp_path):
    shop, other = copy_of(shop, tmp_path), learner(tmp_path / "b.tosca", {"class 57"})
    shop.forget("class 57")
    assert shop.knowledge.router.shortlist is not None
    assert asked_one_by_one(shop.knowledge) == asked_one_by_one(other.knowledge)
    for each in (shop, other):
        each.close()


def test_a_store_opened_anew_has_the_same_shortlist_and_verifies(shop):
    again = Store.open(shop.store.path)
    knowledge = Knowledge(again, again.state())
    assert asked_one_by_one(knowledge) == asked_one_by_one(Knowledge(shop.store, shop.state))
    assert knowledge.router.shortlist is not None
    assert verify(again).discrepancies == ()
    again.close()


def test_a_router_from_before_shortlists_answers_by_all_scores(shop):
    router = Knowledge(shop.store, shop.state).router
    arrays = replace(router, shortlist=None).to_arrays()
    older = type(router).from_arrays(arrays, len(shop.state.groups), D)
    assert older.shortlist is None
    assert save(older.to_arrays()) == save(arrays)


@pytest.mark.parametrize(
    "change",
    [
        {"shortlist_basis": np.zeros((32, D + 1), np.float32)},
        {"shortlist_coordinates": np.zeros((5, 32), np.float32)},
        {"shortlist_scalars": np.array([0.0, 1e9])},
        {"shortlist_scalars": np.array([np.nan, 64])},
        {"shortlist_coordinates": np.full((TASKS * A_TASK, 32), np.nan, np.float32)},
    ],
)
def test_a_shortlist_that_does_not_fit_is_refused(shop, change):
    arrays = Knowledge(shop.store, shop.state).router.to_arrays()
    with pytest.raises(ValueError, match="shortlist"):
        Shortlist.from_arrays(arrays | change, TASKS * A_TASK, D)


def test_a_class_in_other_surroundings_counts_with_all_its_groups(shop, tmp_path):
    shop = copy_of(shop, tmp_path)
    shop.learn_features({f"class {3 * place}": pictures(f"{3 * place}", seed=3) for place in range(4)})
    router = shop.knowledge.router
    assert router.shortlist is not None
    quick = asked_one_by_one(shop.knowledge)
    shop.knowledge.router = replace(router, shortlist=None)
    for one, other in zip(quick, asked_one_by_one(shop.knowledge), strict=True):
        assert (one.label, one.task) == (other.label, other.task)
        assert one.confidence == pytest.approx(other.confidence, abs=TOLERANCE)
    shop.close()


def test_a_label_set_and_a_long_list_are_made_from_all_scores(shop):
    quick = Knowledge(shop.store, shop.state)
    whole = Knowledge(shop.store, shop.state)
    whole.router = replace(whole.router, shortlist=None)
    row = questions(1)
    assert quick.decide(row, 3, coverage=0.9) == whole.decide(row, 3, coverage=0.9)
    assert quick.decide(row, 300) == whole.decide(row, 300)


def test_classes_that_differ_in_every_direction_get_no_shortlist():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(8 * FEWEST, 512)).astype(np.float32)
    scores = (rng.normal(size=(200, 512)) @ weights.T).astype(np.float32)
    bias = np.zeros(len(weights), np.float32)
    assert fit_shortlist(weights, bias, weights, scores, 0.1) is None
    # The same in few directions.
    scores = (rng.normal(size=(200, 20)) @ weights[:, :20].T).astype(np.float32)
    weights[:, 20:] = 0
    assert fit_shortlist(weights, bias, weights, scores, 0.1) is not None


def test_few_classes_get_no_shortlist():
    weights = np.eye(FEWEST - 1, dtype=np.float32)
    assert fit_shortlist(weights, weights[0], weights, weights, 1.0) is None
