"""A class of several tasks: in different domains, or of different objects under one label."""

import numpy as np
import pytest

from edge_tosca.classifier.calibration.posterior import by_label
from edge_tosca.classifier.evidence_sample import TaskColumns
from edge_tosca.classifier.lda.blocked_folds import Block, choose_blocks
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.router import Router
from edge_tosca.classifier.router_fit import fit_router
from edge_tosca.features.normalization import normalize

D, CLASSES, SHOTS = 64, 8, 12
RNG = np.random.default_rng(5)
MEANS = 0.9 * RNG.normal(size=(CLASSES, D))
DUSK = 2.5 * RNG.normal(size=D) / np.sqrt(D) * np.sqrt(8)


def photographed(label, count, dusk, seed):
    noise = np.random.default_rng((label, dusk, seed)).normal(size=(count, D))
    return normalize(MEANS[label] + noise + (DUSK if dusk else 0))


def routers(groups, labels):
    """One whose lessons have means of their own, and one that may join them."""
    columns = [TaskColumns(slice(0, len(groups)), None)]
    return [
        fit_router(statistics_of(groups), groups.__getitem__, labels, columns, 0.05, class_of_group=classes)[
            0
        ]
        for classes in (None, labels)
    ]


def right(router, labels, z, label):
    posterior = by_label(router.scores(z)[0], labels, CLASSES)
    return (posterior.argmax(axis=1) == label).mean()


def test_what_some_classes_were_taught_of_dusk_helps_those_that_were_not():
    again = range(CLASSES // 2)
    groups = [photographed(label, SHOTS, False, 0) for label in range(CLASSES)]
    groups += [photographed(label, SHOTS, True, 0) for label in again]
    labels = np.array([*range(CLASSES), *again])
    alone, joined = (
        np.mean(
            [right(router, labels, photographed(label, 200, True, 1), label) for label in range(4, CLASSES)]
        )
        for router in routers(groups, labels)
    )
    assert joined > alone + 0.1


def test_old_surroundings_do_not_lose_by_it():
    groups = [photographed(label, SHOTS, dusk, 0) for dusk in (False, True) for label in range(CLASSES)]
    labels = np.tile(np.arange(CLASSES), 2)
    for dusk in (False, True):
        alone, joined = (
            np.mean(
                [right(router, labels, photographed(label, 200, dusk, 1), label) for label in range(CLASSES)]
            )
            for router in routers(groups, labels)
        )
        assert joined > alone - 0.01


@pytest.mark.parametrize("objects", [1, CLASSES // 2])
def test_different_things_under_one_name_are_told_from_other_names_as_before(objects):
    groups = [photographed(label, 4 * SHOTS, False, 0) for label in range(CLASSES)]
    labels = np.array([label // 2 if label < 2 * objects else label for label in range(CLASSES)])
    labels = np.unique(labels, return_inverse=True)[1]
    alone, joined = routers(groups, labels)
    z = np.concatenate([photographed(label, 100, False, 1) for label in range(CLASSES)])
    truth = np.repeat(labels, 100)
    before, after = (
        (by_label(router.scores(z)[0], labels, labels.max() + 1).argmax(axis=1) == truth).mean()
        for router in (alone, joined)
    )
    assert after > before - 0.02


def test_where_no_class_was_taught_again_nothing_changes():
    groups = [photographed(label, SHOTS, False, 0) for label in range(CLASSES)]
    alone, joined = routers(groups, np.arange(CLASSES))
    assert joined.shared_means is None
    assert np.array_equal(alone.discriminant.weights, joined.discriminant.weights)


def test_lessons_of_a_class_share_its_probability_equally_and_have_one_mean():
    groups = [photographed(label, SHOTS, dusk, 0) for dusk in (False, True) for label in range(CLASSES)]
    labels = np.tile(np.arange(CLASSES), 2)
    _, joined = routers(groups, labels)
    assert np.array_equal(joined.shared_means.class_of_group, labels)
    logs, above = joined.scores(photographed(3, 5, True, 1))
    assert above.shape == logs.shape == (5, 2 * CLASSES)
    np.testing.assert_array_equal(logs[:, :CLASSES], logs[:, CLASSES:])
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-5)
    together = [np.concatenate([groups[label], groups[CLASSES + label]]) for label in range(CLASSES)]
    blocks = choose_blocks(np.full(2 * CLASSES, SHOTS), 1000)
    halves = [Block(b.group % CLASSES, b.rows + SHOTS * (b.group // CLASSES)) for b in blocks]
    once, _ = fit_router(
        statistics_of(together),
        together.__getitem__,
        range(CLASSES),
        [TaskColumns(slice(0, CLASSES), None)],
        0.05,
        blocks=halves,
    )
    # The same sums, in another order of pictures: taught in two lessons or in one, the answer is the same.
    np.testing.assert_allclose(
        joined.shared_means.discriminant.weights,
        once.discriminant.weights,
        rtol=1e-4,
        atol=1e-4 * np.abs(once.discriminant.weights).max(),
    )
    assert joined.temperature == once.temperature


@pytest.mark.parametrize(
    "damage",
    [
        {"joined_units": np.zeros(2 * CLASSES, np.int32)},
        {"joined_units": np.zeros(3, np.int32)},
        {"joined_weights": np.zeros((CLASSES, D), np.float32)},
        {"joined_shift": np.full(CLASSES, np.nan, np.float32)},
    ],
)
def test_joined_classes_come_back_from_the_store_and_damage_is_told(damage):
    groups = [photographed(label, SHOTS, dusk, 0) for dusk in (False, True) for label in range(CLASSES)]
    _, joined = routers(groups, np.tile(np.arange(CLASSES), 2))
    arrays = joined.to_arrays()
    z = photographed(2, 4, True, 1)
    back = Router.from_arrays(arrays, 2 * CLASSES, D)
    np.testing.assert_array_equal(back.scores(z)[0], joined.scores(z)[0])
    with pytest.raises(ValueError, match="classes of several tasks"):
        Router.from_arrays(arrays | damage, 2 * CLASSES, D)
