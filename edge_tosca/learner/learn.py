"""Learn one task: train its module, file it, solve the router again and judge the result."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.labels import require_text
from edge_tosca.learner.border import labels_at_border
from edge_tosca.learner.lesson import Lesson
from edge_tosca.learner.refit import Refit, accuracies_before, fit_task_module, refit
from edge_tosca.learner.storage_limit import keep_within
from edge_tosca.learner.task_training import is_cross_fitted
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class, judge
from edge_tosca.quality.held_out_outcomes import (
    OUTCOMES_BY_CLASS,
    Counts,
    in_all,
    kept_outcomes,
    outcomes_by_class,
)
from edge_tosca.results import GateReport, LearnReport, ModuleReport
from edge_tosca.store.state import State, Task
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread


def learn_task(
    store: Store,
    lesson: Lesson,
    *,
    force: bool = False,
    dry_run: bool = False,
    on_stage: Callable[[str], None] | None = None,
    on_epoch: Callable[[int, int], None] | None = None,
) -> LearnReport:
    """Learn a task as one new generation.

    Args:
        store: the store.
        lesson: what to learn.
        force: keep the task even if the quality gate rejects it.
        dry_run: keep nothing, whatever the verdict.
        on_stage: called with "judging" when the module is trained and the store is about to be written.
        on_epoch: called with the number of epochs of the training done and of all.

    Returns:
        The report; its generation is None if nothing was written: the gate rejected the task, or it was a dry
        run.

    Raises:
        LearnError: the task's name cannot be stored.
        StoreError: the store cannot be written.
    """
    if lesson.task:
        require_text(lesson.task)
    start = time.perf_counter()
    with one_blas_thread(), store.snapshot():
        features = [taught.features for taught in lesson.classes.values()]
        module, cosines = fit_task_module(store, features, store.state(), on_epoch=on_epoch)
    data = module.to_bytes()
    digest = sha256(data)
    trained = time.perf_counter()
    if on_stage is not None:
        on_stage("judging")
    with one_blas_thread(), store.transaction() as change:
        before = store.state()
        earlier, counted = accuracies_before(store, before), kept_outcomes(store.report(before.generation))
        generation = store.add_generation("learn", before.generation)
        store.add_module(digest, data, cosines)
        task = lesson.task or _next_name(before)
        _file(store, lesson, task, digest, generation)
        images = store.images()
        thinned = keep_within(store)
        # Not bound to a name: the sums are large, and have to be freed before the router is solved.
        after = refit(store, generation, None if thinned else store.derived("statistics", before.generation))
        names = {label: taught.names for label, taught in lesson.classes.items()}
        kept = _kept_names(names, after.state.tasks[-1], thinned)
        at_border = labels_at_border(lesson, after.state, after.router, store.widths)
        gate = judge(after.state, after.held_out, after.features_of, kept, earlier, at_border)
        gate = _with_outcomes(gate, after, len(names), counted)
        done = time.perf_counter()
        report = LearnReport(
            generation=generation,
            task=task,
            classes=tuple(lesson.classes),
            images=lesson.images,
            skipped=tuple(lesson.skipped),
            seconds={
                "features": lesson.feature_seconds,
                "train": trained - start,
                "commit": done - trained,
                "total": lesson.feature_seconds + done - start,
            },
            module=ModuleReport(digest, module.size, module.nonzero, len(data), _counts(store, cosines)),
            gate=gate,
            thinned=images - store.images(),
            notes=tuple(lesson.notes),
            dry_run=dry_run,
        )
        if dry_run or (gate.verdict == "reject" and not force):
            change.discard()
            return replace(report, generation=None)
        by_class = accuracy_by_class(after.state, after.held_out)
        outcomes = outcomes_by_class(after.state, after.held_out, after.unknown)
        store.set_report(generation, {**report.to_json(), BY_CLASS: by_class, OUTCOMES_BY_CLASS: outcomes})
    return report


def _with_outcomes(gate: GateReport, after: Refit, new_groups: int, before: Counts) -> GateReport:
    """Add to the gate's report what a user would see for held-out pictures."""
    new = after.held_out.groups >= len(after.state.groups) - new_groups
    old = outcomes_by_class(after.state, after.held_out, after.unknown, ~new)
    return replace(
        gate,
        outcomes_new=in_all(outcomes_by_class(after.state, after.held_out, after.unknown, new)),
        outcomes_old_before=in_all(before, old),
        outcomes_old_after=in_all(old),
    )


def _counts(store: Store, cosines: Array) -> bool:
    """Return whether a module may change answers: by its evidence, or by the paper's rule without any."""
    return store.settings["router"] == "entropy" or is_cross_fitted(cosines)


def _file(store: Store, lesson: Lesson, task: str, module: str, generation: int) -> None:
    features = {label: to_cache_dtype(taught.features) for label, taught in lesson.classes.items()}
    digests = {label: taught.digest for label, taught in lesson.classes.items()}
    store.add_task(task, module, features, generation, digests)
    store.audit_log.set_provenance(lesson.provenance)
    for group in store.tasks_ever()[-1].groups:
        sources = lesson.classes[group.label].sources
        if sources:
            store.pictures.put(group.features, sources)


def _kept_names(
    names: Mapping[str, Sequence[str]], task: Task, thinned: Mapping[int, Array]
) -> dict[str, Sequence[str]]:
    """Name the pictures of a new task whose features are still in the store."""
    return {
        group.label: [names[group.label][at] for at in thinned[group.features]]
        if group.features in thinned
        else names[group.label]
        for group in task.groups
    }


def _next_name(state: State) -> str:
    taken = {task.name for task in state.tasks}
    return next(name for n in count(len(taken) + 1) if (name := f"task {n}") not in taken)
