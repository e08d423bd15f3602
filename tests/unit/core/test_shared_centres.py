"""Lessons of one class: in other surroundings, or of different things under one name."""

import numpy as np
import pytest

from edge_tosca.conditioning import condition
from edge_tosca.posterior import by_label
from edge_tosca.router_fit import TaskColumns, fit_router
from edge_tosca.sums import statistics_of

D, CLASSES, SHOTS = 64, 8, 12
RNG = np.random.default_rng(5)
MEANS = 0.9 * RNG.normal(size=(CLASSES, D))
DUSK = 2.5 * RNG.normal(size=D) / np.sqrt(D) * np.sqrt(8)


def photographed(label, count, dusk, seed):
    noise = np.random.default_rng((label, dusk, seed)).normal(size=(count, D))
    return condition(MEANS[label] + noise + (DUSK if dusk else 0))


def routers(groups, labels):
    """One whose lessons scatter around their own means, and one that may choose."""
    columns = [TaskColumns(slice(0, len(groups)), None)]
    return [
        fit_router(statistics_of(groups), groups.__getitem__, labels, columns, 0.05, shared=shared)[0]
        for shared in (False, True)
    ]


def right(router, labels, z, label):
    posterior = by_label(router.ask(z)[0], labels, CLASSES)
    return (posterior.argmax(axis=1) == label).mean()


def test_what_some_classes_were_taught_of_dusk_helps_those_that_were_not():
    again = range(CLASSES // 2)
    groups = [photographed(label, SHOTS, False, 0) for label in range(CLASSES)]
    groups += [photographed(label, SHOTS, True, 0) for label in again]
    labels = np.array([*range(CLASSES), *again])
    alone, shared = (
        np.mean(
            [right(router, labels, photographed(label, 200, True, 1), label) for label in range(4, CLASSES)]
        )
        for router in routers(groups, labels)
    )
    assert shared > alone + 0.1


def test_old_surroundings_do_not_lose_by_it():
    groups = [photographed(label, SHOTS, dusk, 0) for dusk in (False, True) for label in range(CLASSES)]
    labels = np.tile(np.arange(CLASSES), 2)
    for dusk in (False, True):
        alone, shared = (
            np.mean(
                [right(router, labels, photographed(label, 200, dusk, 1), label) for label in range(CLASSES)]
            )
            for router in routers(groups, labels)
        )
        assert shared > alone - 0.01


@pytest.mark.parametrize("things", [1, CLASSES // 2])
def test_different_things_under_one_name_are_told_from_other_names_as_before(things):
    groups = [photographed(label, 4 * SHOTS, False, 0) for label in range(CLASSES)]
    labels = np.array([label // 2 if label < 2 * things else label for label in range(CLASSES)])
    labels = np.unique(labels, return_inverse=True)[1]
    alone, shared = routers(groups, labels)
    z = np.concatenate([photographed(label, 100, False, 1) for label in range(CLASSES)])
    truth = np.repeat(labels, 100)
    before, after = (
        (by_label(router.ask(z)[0], labels, labels.max() + 1).argmax(axis=1) == truth).mean()
        for router in (alone, shared)
    )
    assert after > before - 0.02


def test_where_no_class_was_taught_again_nothing_changes():
    groups = [photographed(label, SHOTS, False, 0) for label in range(CLASSES)]
    alone, shared = routers(groups, np.arange(CLASSES))
    assert np.array_equal(alone.discriminant.weights, shared.discriminant.weights)
