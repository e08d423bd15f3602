"""Derive what a new generation needs from its cached features: sums, router, modules, accuracies.

The features and modules are the memory of a store; everything here is computed from them and can be computed
again with the same result.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.evidence_sample import TaskColumns
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics, Statistics, keeps_rows
from edge_tosca.classifier.router import Router
from edge_tosca.classifier.router_fit import fit_router
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.normalized_features import NormalizedFeatures
from edge_tosca.learner.task_training import train_as_published, train_task_module
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class
from edge_tosca.store.state import State, Task
from edge_tosca.store.store import Store
from edge_tosca.store.validation import checked_evidence, damaged_store
from edge_tosca.tosca.task_module import Module, scale_of
from edge_tosca.vision.references import references_of

FeaturesOf = Callable[[int], Array]
"""Index of a group to its normalised features, float32 [n, d]."""


@dataclass(frozen=True)
class Refit:
    """A generation whose router was solved.

    Attributes:
        state: its tasks and classes.
        features_of: first part of a group's normalised features by its index, for the gate.
        held_out: the held-out answers that the router's settings were chosen by.
        unknown: whether each held-out picture would be called unknown, bool [n].
        refused: the same by the OOD score alone, without pictures of none of the classes.
        router: the router; None where there is no class.
    """

    state: State
    features_of: FeaturesOf
    held_out: HeldOut
    unknown: Array
    refused: Array
    router: Router | None = None


def refit(store: Store, generation: int, kept: dict[str, Array] | None = None) -> Refit:
    """Solve a new generation's router, and write it and the sums; inside a transaction.

    Args:
        store: the store.
        generation: the new one.
        kept: stored sums of all groups but the last ones, as `Store.derived` returns them.

    Returns:
        What the router was solved from.
    """
    state = store.state(generation)
    features_of = NormalizedFeatures(store, state)
    if not state.tasks:
        store.set_derived("routers", generation, None)
        store.set_derived("statistics", generation, None)
        nothing = HeldOut(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 0)), np.zeros((0, 3)))
        return Refit(state, features_of.first_part, nothing, np.zeros(0, bool), np.zeros(0, bool))
    statistics = sum_up(store, state, features_of, stored_sums(store, state, kept))
    # Large, and not needed while the router is solved.
    del kept
    router, held_out = solve_router(store, state, features_of, statistics)
    store.set_derived("routers", generation, router.to_arrays())
    sums = statistics.to_arrays() if isinstance(statistics, GramStatistics) else None
    del statistics
    store.set_derived("statistics", generation, sums)
    refused = router.ood.calibration.score(held_out.ood_statistics) < router.ood.threshold
    unknown = refused if held_out.none is None else refused | held_out.none
    return Refit(state, features_of.first_part, held_out, unknown, refused, router)


def sum_up(
    store: Store, state: State, features_of: FeaturesOf, kept: GramStatistics | None = None
) -> Statistics:
    """Sum up the cached features of all groups.

    Args:
        store: the store.
        state: the groups.
        features_of: their normalised features.
        kept: the sums of all groups but the last ones, if they are known.

    Returns:
        The features themselves if there are few, otherwise their sums.
    """
    d, groups = int(store.settings["feature_dim"]), range(len(state.groups))
    if keeps_rows(sum(group.images for group in state.groups), d):
        return RowStatistics(tuple(features_of(index) for index in groups))
    if kept is None:
        return GramStatistics.of_groups((features_of(index) for index in groups), d)
    return kept.with_groups([features_of(index) for index in groups[len(kept.counts) :]])


def stored_sums(store: Store, state: State, arrays: dict[str, Array] | None) -> GramStatistics | None:
    """Read the sums of a state's groups, or of all but its last ones, from a store's arrays.

    Args:
        store: the store.
        state: the groups.
        arrays: as `Store.derived` returns them; None if the store has none.

    Returns:
        The sums; None if they are of other groups and have to be computed again from the features.
    """
    pictures, d = [group.images for group in state.groups], int(store.settings["feature_dim"])
    # Without its features a group cannot be summed up again; reading them reports the damage.
    if arrays is None or not store.room_for_pictures(d):
        return None
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return GramStatistics.from_arrays(arrays, pictures, d)
    return None


def solve_router(
    store: Store,
    state: State,
    features_of: FeaturesOf,
    statistics: Statistics | None = None,
    *,
    with_references: bool = True,
) -> tuple[Router, HeldOut]:
    """Solve the router of a state.

    Args:
        store: the store.
        state: its tasks and classes.
        features_of: normalised features of its groups.
        statistics: their sums, if they are known.
        with_references: place the threshold by the reference pictures of the bundle, too.

    Returns:
        The router, and the held-out answers that its settings were chosen by.

    Raises:
        StoreError: the stored sums are not positive definite: the store is damaged.
    """
    votes = store.settings["router"] != "entropy"
    tasks = [
        TaskColumns(columns, _held_out_opinion(store, task) if len(task.groups) > 1 else None, votes)
        for task, columns in zip(state.tasks, state.columns, strict=True)
    ]
    try:
        return fit_router(
            statistics or sum_up(store, state, features_of),
            features_of,
            state.label_of_group,
            tasks,
            float(store.settings["refused"]),
            class_of_group=state.class_of_group,
            widths=store.widths,
            none=[normalize(store.features(group), store.widths) for group in state.none_groups],
            references=references_of(store.bundle_folder, store.settings) if with_references else None,
        )
    except np.linalg.LinAlgError:
        raise damaged_store(store.path) from None


def accuracies_before(store: Store, state: State) -> dict[str, float]:
    """Return the held-out accuracy of every class of a generation.

    Args:
        store: the store.
        state: of the generation.

    Returns:
        Label to accuracy, from the generation's report if it has them; otherwise (after forget, rollback,
        rename or merge) the router is solved again. Classes of which no picture could be held out are absent.
    """
    if not state.tasks:
        return {}
    kept = store.report(state.generation).get(BY_CLASS)
    if isinstance(kept, Mapping):
        return {str(label): float(share) for label, share in kept.items()}
    return accuracy_by_class(state, solve_router(store, state, NormalizedFeatures(store, state))[1])


def fit_task_module(
    store: Store,
    features: Sequence[Array],
    state: State,
    before_task: int | None = None,
    on_epoch: Callable[[int, int], None] | None = None,
) -> tuple[Module, Array]:
    """Fit the module of a task by the rule of the store's router.

    Args:
        store: the store.
        features: of each class, [n_c, d]; a module reads their first part.
        state: the live one; the paper's router builds on the modules of its tasks.
        before_task: only those of tasks filed before this row; all by default.
        on_epoch: called with the number of epochs done and of all; not by the paper's router.

    Returns:
        The module and its held-out cosines, see `edge_tosca.learner.task_training`.
    """
    features = [store.first_part(rows) for rows in features]
    if store.settings["router"] != "entropy":
        return train_task_module(features, on_epoch=on_epoch)
    tasks = [task for task in state.tasks if before_task is None or task.id < before_task]
    earlier = [Module.from_bytes(store.module(task.module)) for task in tasks]
    return train_as_published(features, earlier)


def _held_out_opinion(store: Store, task: Task) -> Array:
    evidence = store.evidence(task.module)
    images = sum(group.images for group in task.groups)
    if len(evidence) != images and store.tasks_of(task.module) > 1:
        # The same pictures were taught twice, and thinned in between: the evidence is of one of the two.
        return np.full((images, len(task.groups)), np.nan, np.float32)
    cosines = checked_evidence(evidence, task.groups, store.path)
    return log_softmax(scale_of(store.module(task.module)) * cosines)
