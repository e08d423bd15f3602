"""Derive what a new generation needs from its cached features: sums, router, modules, accuracies."""

from collections.abc import Mapping, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.held_out import LeftOut
from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.learner.model import Knowledge
from edge_tosca.learner.task_training import teach, teach_as_published
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.tosca.task_module import Module


def accuracies_before(knowledge: Knowledge, report: Mapping[str, object]) -> dict[str, float]:
    """Give the left-out accuracy of every class that a generation knows.

    Args:
        knowledge: of the generation.
        report: of the generation; it has the accuracies if it is a `learn`.

    Returns:
        Label to accuracy, solved anew where no report has them (after forget, rollback, rename, merge);
        classes of which no picture could be left out are not in it.
    """
    if not knowledge.state.tasks:
        return {}
    kept = report.get(BY_CLASS)
    if isinstance(kept, dict):
        return {str(label): float(share) for label, share in kept.items()}
    return accuracy_by_class(knowledge, knowledge.solve()[1])


def settle(store: Store, generation: int, kept: dict[str, Array] | None = None) -> tuple[Knowledge, LeftOut]:
    """Solve and keep what answers need of a new generation; inside a transaction.

    Args:
        store: the store.
        generation: the new one.
        kept: statistics of all groups but the last ones, as the store gives them.

    Returns:
        The generation's knowledge, and the answers to left-out pictures that its router was chosen by.
    """
    knowledge = Knowledge(store, store.state(generation))
    if not knowledge.state.tasks:
        store.set_derived("routers", generation, None)
        store.set_derived("statistics", generation, None)
        return knowledge, LeftOut(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 0)), np.zeros((0, 3)))
    statistics = knowledge.statistics(knowledge.kept_sums(kept))
    del kept
    router, left_out = knowledge.solve(statistics)
    store.set_derived("routers", generation, router.to_arrays())
    sums = statistics.to_arrays() if isinstance(statistics, GramStatistics) else None
    store.set_derived("statistics", generation, sums)
    return knowledge, left_out


def fit_task(
    store: Store, features: Sequence[Array], state: State, before_task: int | None = None
) -> tuple[Module, Array]:
    """Fit the module of a task in the way that the store's router asks for.

    Args:
        store: the store.
        features: of each class, [n_c, d].
        state: the live one; the paper's router builds on the modules of its tasks.
        before_task: only those of tasks filed before this row; all by default.

    Returns:
        The module and its cosines, as `teach` gives them.
    """
    if store.settings["router"] != "entropy":
        return teach(features)
    tasks = [task for task in state.tasks if before_task is None or task.id < before_task]
    earlier = [Module.from_bytes(store.module(task.module)) for task in tasks]
    return teach_as_published(features, earlier)
