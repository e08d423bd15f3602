"""What changes a store: lessons taught, forgotten, renamed and taken back, each one transaction."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.features.normalization import as_cached
from edge_tosca.labels import require_text
from edge_tosca.learner.model import Knowledge
from edge_tosca.learner.refit import accuracies_before, fit_task, settle
from edge_tosca.learner.storage_limit import keep_within
from edge_tosca.quality.gate import BY_CLASS, accuracy_by_class, judge
from edge_tosca.results import LearnReport, ModuleReport, Skipped
from edge_tosca.store.source_images import Remembered
from edge_tosca.store.state import State, Task
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread


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
            images = store.images()
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
                thinned=images - store.images(),
            )
            if gate.verdict == "reject" and not force:
                raise _RejectedError(report)
            by_class = accuracy_by_class(after, left_out)
            store.set_report(generation, {**report.to_json(), BY_CLASS: by_class})
    except _RejectedError as rejected:
        return replace(rejected.report, generation=None)
    return report


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


class _RejectedError(Exception):
    """Takes a rejected task out of the store again, by ending its transaction."""

    def __init__(self, report: LearnReport) -> None:
        super().__init__(report.task)
        self.report = report
