"""What changes a store: lessons taught, forgotten, renamed and taken back, each one transaction."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.held_out import LeftOut
from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.digests import sha256
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import as_cached
from edge_tosca.labels import checked_label, require_text
from edge_tosca.learner.model import Knowledge
from edge_tosca.learner.storage_limit import keep_within
from edge_tosca.learner.task_training import teach, teach_as_published
from edge_tosca.quality.gate import BY_CLASS, accuracies_before, accuracy_by_class, judge
from edge_tosca.results import LearnReport, ModuleReport, Skipped
from edge_tosca.store.schema import MAX_BYTES_SETTING
from edge_tosca.store.source_images import Remembered
from edge_tosca.store.state import State, Task
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.tosca.task_module import Module


def teach_task(
    store: Store,
    features: Mapping[str, Array],
    names: Mapping[str, Sequence[str]],
    task: str | None,
    *,
    skipped: Sequence[Skipped],
    force: bool,
    feature_seconds: float,
    remember: Mapping[str, Mapping[int, Remembered]] | None = None,
    pictures: Mapping[str, str] | None = None,
    seen_with: Mapping[str, str] | None = None,
) -> LearnReport:
    """Fit a module to a task, file it, and judge what that did; see `Learner.learn_features`."""
    if task:
        require_text(task)
    start = time.perf_counter()
    with one_blas_thread(), store.snapshot():
        module, cosines = fit_task(store, list(features.values()), store.state())
    data = module.to_bytes()
    digest = sha256(data)
    trained = time.perf_counter()
    try:
        with one_blas_thread(), store.transaction():
            before = Knowledge(store, store.state())
            earlier = accuracies_before(before, store.report(before.state.generation))
            task = task or _next_name(before.state)
            generation = store.add_generation("learn", before.state.generation)
            store.add_module(digest, data, cosines)
            half = {label: as_cached(rows) for label, rows in features.items()}
            store.add_task(task, digest, half, generation, pictures)
            store.seals.tell(seen_with or {})
            if remember:
                for group in store.tasks_ever()[-1].groups:
                    store.pictures.put(group.features, remember[group.label])
            images = _images(store)
            thinned = keep_within(store)
            # Not by a name: what was kept is large, and is to be gone when the new router is solved.
            after, left_out = settle(
                store,
                generation,
                None if thinned else store.derived("statistics", before.state.generation),
            )
            gate = judge(after, left_out, _left(names, after.state.tasks[-1], thinned), earlier)
            done = time.perf_counter()
            report = LearnReport(
                generation=generation,
                task=task,
                classes=tuple(features),
                images=sum(len(rows) for rows in features.values()),
                skipped=tuple(skipped),
                seconds={
                    "features": feature_seconds,
                    "train": trained - start,
                    "commit": done - trained,
                    "total": feature_seconds + done - start,
                },
                module=ModuleReport(digest, module.size, module.nonzero, len(data)),
                gate=gate,
                thinned=images - _images(store),
            )
            if gate.verdict == "reject" and not force:
                raise _RejectedError(report)
            by_class = accuracy_by_class(after, left_out)
            store.set_report(generation, {**report.to_json(), BY_CLASS: by_class})
    except _RejectedError as rejected:
        return replace(rejected.report, generation=None)
    return report


def forget_class(store: Store, label: str) -> int:
    """Erase a class and make its task's module anew; see `Learner.forget`."""
    with one_blas_thread(), store.transaction():
        before = store.state()
        found = _to_forget(store, before, label)
        labels = store.labels_ever(group for doomed in found.values() for group in doomed)
        generation = store.add_generation("forget", before.generation)
        for task, doomed in found.items():
            left = [group for group in store.groups_of_task(task) if group.id not in doomed]
            digest = None
            if left:
                rows = [store.features(group) for group in left]
                # The state as it is by now: modules that were made anew a moment ago have other names.
                module, cosines = fit_task(store, rows, store.state(), task)
                data = module.to_bytes()
                digest = sha256(data)
                store.add_module(digest, data, cosines)
            store.erase(task, doomed, digest)
        settle(store, generation)
        store.forget_pictures(labels)
        store.set_report(generation, {"classes": [label]})
    try:
        follow_store(store)
    finally:
        store.scrub()
    return generation


def _to_forget(store: Store, state: State, label: str) -> dict[int, list[int]]:
    """Find what a class's name stands for: task row to rows of classes, live ones and those of history.

    What once bore the name and lives under another one is another class by now, and stays.
    """
    called = {group.id: group.label for group in state.groups}
    ever = store.groups_ever(label)
    found = {
        task: kept
        for task, groups in ever.items()
        if (kept := [group for group in groups if called.get(group, label) == label])
    }
    if not found:
        now = {called[group] for groups in ever.values() for group in groups}
        meant = f"; {', '.join(sorted(map(repr, now)))} was called so once" if now else ""
        raise LearnError(f"{store.path} knows no class {label!r}{meant}; it knows {_known(store)}")
    return found


def rename_class(store: Store, label: str, new: str, merge: bool) -> int:
    """Let a class live on under another label; see `Learner.rename`."""
    new = checked_label(new)
    with one_blas_thread(), store.transaction():
        state = store.state()
        if label not in state.labels:
            raise LearnError(f"{store.path} knows no class {label!r}; it knows {_known(store)}")
        if new == label:
            raise LearnError(f"class {label!r} has that name already; choose another")
        if (new in state.labels) != merge:
            remedy = "there is none to merge with" if merge else "choose another name, or merge the two"
            taken = "is not known" if merge else "is taken"
            raise LearnError(f"class {new!r} {taken} in {store.path}; {remedy}")
        generation = store.add_generation("merge" if merge else "rename", state.generation)
        for group in state.groups:
            if group.label == label:
                store.end(group.id, generation)
                store.bear(group.id, new, generation)
        settle(store, generation, store.derived("statistics", state.generation))
        store.set_report(generation, {"classes": [new], "before": label})
    return generation


def roll_back(store: Store, generation: int | None) -> int:
    """Let the classes of an earlier generation live again; see `Learner.rollback`."""
    with one_blas_thread(), store.transaction():
        live = store.state()
        target = _previous(store) if generation is None else generation
        wanted = {group.id: group.label for group in store.state(target).groups}
        new = store.add_generation("rollback", target)
        for group in live.groups:
            if wanted.get(group.id) == group.label:
                del wanted[group.id]
            else:
                store.end(group.id, new)
        for group_id, label in wanted.items():
            store.bear(group_id, label, new)
        settle(store, new)
        store.set_report(new, {"to": target})
    return new


def limit_size(store: Store, most: int | None) -> int:
    """Give a store a limit of its size, and keep it at once.

    Args:
        store: any store.
        most: bytes; None for no limit.

    Returns:
        Cached features that gave way.

    Raises:
        StoreError: the classes need more than that.
    """
    with one_blas_thread(), store.transaction():
        store.set_setting(MAX_BYTES_SETTING, None if most is None else str(most))
        before = _images(store)
        if keep_within(store):
            generation = store.add_generation("limit", store.latest())
            settle(store, generation)
            store.set_report(generation, {"max_bytes": most, "thinned": before - _images(store)})
        return before - _images(store)


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


def _left(
    names: Mapping[str, Sequence[str]], task: Task, thinned: Mapping[int, Array]
) -> dict[str, Sequence[str]]:
    """Name the pictures of a new task whose features are still there."""
    return {
        group.label: [names[group.label][at] for at in thinned[group.features]]
        if group.features in thinned
        else names[group.label]
        for group in task.groups
    }


def _next_name(state: State) -> str:
    taken = {task.name for task in state.tasks}
    return next(name for n in count(len(taken) + 1) if (name := f"task {n}") not in taken)


def _images(store: Store) -> int:
    return sum(group.images for task in store.tasks_ever() for group in task.groups)


def _previous(store: Store) -> int:
    generations = {entry.number: entry for entry in store.history()}
    number = store.latest()
    while number and generations[number].command == "rollback":
        number = generations[number].parent
    if not number:
        raise LearnError(f"{store.path} has nothing to roll back to")
    return generations[number].parent


def _known(store: Store) -> str:
    labels = store.state().labels
    return ", ".join(labels[:10]) + (" ..." if len(labels) > 10 else "") if labels else "none"


class _RejectedError(Exception):
    """Takes a rejected task out of the store again, by ending its transaction."""

    def __init__(self, report: LearnReport) -> None:
        super().__init__(report.task)
        self.report = report
