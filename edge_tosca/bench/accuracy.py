"""Accuracy of ours and of other methods on any folder of pictures, one picture at a time."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.baselines import (
    frozen_ranpac,
    joint_probe,
    nearest_mean,
    paper_modules,
    paper_tosca,
    streaming_lda,
)
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.bench.results import OURS, Comparison, Confusion, Result, summarised
from edge_tosca.learner.learner import Learner
from edge_tosca.tosca.entropy_selection import entropy_log_posterior
from edge_tosca.vision.feature_extractor import FeatureExtractor

_JOINT = {"probe": joint_probe, "ranpac": frozen_ranpac}
_INCREMENTAL: dict[str, Callable[[Sequence[Array], Array], Array]] = {
    "slda": streaming_lda,
    "ncm": nearest_mean,
}
_PAPER = ("entropy", "entropy48", "entropy48s", "oracle")

# By the paper's rule every module classifies every picture; after each of many tasks that would take hours.
_MOST_TASKS_EVALUATED = 20

Cell = tuple[str, int, int | None, int]


def compare(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    task_sizes: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    methods: Sequence[str],
    on_step: Callable[[str], None],
    kept: Comparison,
) -> Iterator[Comparison]:
    """Run every method on every protocol.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        task_sizes: classes a task.
        shots: training pictures a class.
        seeds: orders and draws of pictures.
        methods: keys of METHODS.
        on_step: called with what is done next.
        kept: earlier results, which are not computed again.

    Yields:
        All results after each protocol; `kept` first.
    """
    found = kept
    yield found
    for data in sets:
        for shot in shots:
            for seed in range(seeds):
                for size in task_sizes:
                    cell = (data.name, size, shot, seed)
                    known = {result.cell for result in found.results}
                    missing = [m for m in methods if (data.name, m, size, shot, seed) not in known]
                    if not missing:
                        continue
                    on_step(f"{data.name}: tasks of {size}, {shot or 'all'} pictures a class, seed {seed}")
                    drawn = protocol(data, size, shot, seed)
                    results, confusion = _measure(drawn, cell, vision, missing, found.results)
                    every = dict(found.confusion or {})
                    if confusion is not None:
                        every[data.name] = Confusion(class_order(data, seed), confusion)
                    found = replace(found, results=(*found.results, *results), confusion=every)
                    yield found


def class_order(data: LabelledFeatures, seed: int) -> tuple[str, ...]:
    """Return the classes in the order in which `protocol` has them learned."""
    order = np.random.default_rng(seed).permutation(len(data.classes))
    return tuple(data.classes[c] for c in order if (data.train_labels == c).any())


def _measure(
    drawn: Protocol, cell: Cell, vision: FeatureExtractor, methods: Sequence[str], known: Sequence[Result]
) -> tuple[list[Result], Array | None]:
    results: list[Result] = []
    confusion: Array | None = None
    if OURS in methods or "router" in methods:
        results, answers = _ours(drawn, cell, vision, methods)
        if answers is not None:
            confusion = np.zeros((len(drawn.groups), len(drawn.groups)), int)
            np.add.at(confusion, (drawn.truth, answers), 1)
    name, size, shot, seed = cell
    # The other methods are those of their papers, on the last feature alone.
    drawn = drawn.first_part(vision.bundle.widths[0])
    for method in methods:
        if method in _JOINT:
            # They do not depend on the cut into tasks: computed once for a draw of pictures.
            same = [r for r in known if (r.data, r.method, r.shots, r.seed) == (name, method, shot, seed)]
            results.append(replace(same[0], task_size=size) if same else _joint(method, drawn, cell))
        elif method in _INCREMENTAL:
            results.append(_incremental(method, drawn, cell))
    return results + _paper(drawn, cell, methods), confusion


def _ours(
    drawn: Protocol, cell: Cell, vision: FeatureExtractor, methods: Sequence[str]
) -> tuple[list[Result], Array | None]:
    """Teach a real learner task by task, through its store, and predict picture by picture."""
    wanted = [method for method in (OURS, "router") if method in methods]
    right = {method: np.full((len(drawn.tasks), len(drawn.tasks)), np.nan) for method in wanted}
    answers: dict[str, Array] = {}
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
        for place, task in enumerate(drawn.tasks):
            taught = {f"{group:05d}": drawn.groups[group] for group in range(task.start, task.stop)}
            learner.learn_features(taught, f"task {place + 1}", force=True)
            seen = drawn.truth < task.stop
            for method in wanted:
                posterior = learner.model.posterior(drawn.test[seen], modules=method == OURS)
                answers[method] = posterior.argmax(axis=1)
                right[method][place] = _right(drawn, drawn.truth[seen], answers[method])
        learner.close()
    return [_summarised(method, drawn, cell, right[method]) for method in wanted], answers.get(OURS)


def _joint(method: str, drawn: Protocol, cell: Cell) -> Result:
    name, size, shot, seed = cell
    answers = _JOINT[method](drawn.groups, drawn.test, seed)
    return Result(name, method, size, shot, seed, last=float(np.mean(answers == drawn.truth)))


def _incremental(method: str, drawn: Protocol, cell: Cell) -> Result:
    answer = _INCREMENTAL[method]
    right = _after_each(
        drawn, lambda place, features: answer(drawn.groups[: drawn.tasks[place].stop], features)
    )
    return _summarised(method, drawn, cell, right)


def _paper(drawn: Protocol, cell: Cell, methods: Sequence[str]) -> list[Result]:
    wanted = [method for method in _PAPER if method in methods]
    if not wanted:
        return []
    name, size, shot, seed = cell
    modules = paper_modules(drawn.groups, drawn.tasks)
    paper = paper_tosca(modules, drawn.tasks, drawn.test, drawn.truth, seed)
    answers = {
        "entropy": paper.single,
        "entropy48": paper.sorted_batches,
        "entropy48s": paper.shuffled_batches,
        "oracle": paper.true_task,
    }
    found = {
        method: Result(name, method, size, shot, seed, last=float(np.mean(answers[method] == drawn.truth)))
        for method in wanted
    }
    if "entropy" in wanted and len(modules) <= _MOST_TASKS_EVALUATED:
        right = _after_each(
            drawn,
            lambda place, features: entropy_log_posterior(
                modules[: place + 1], features.astype(np.float32)
            ).argmax(axis=1),
        )
        found["entropy"] = _summarised("entropy", drawn, cell, right)
    return list(found.values())


def _after_each(drawn: Protocol, answer: Callable[[int, Array], Array]) -> Array:
    right = np.full((len(drawn.tasks), len(drawn.tasks)), np.nan)
    for place, task in enumerate(drawn.tasks):
        seen = drawn.truth < task.stop
        right[place] = _right(drawn, drawn.truth[seen], answer(place, drawn.test[seen]))
    return right


def _right(drawn: Protocol, truth: Array, answers: Array) -> Array:
    """Compute the accuracy on each task's pictures, [tasks]; NaN where there are none."""
    hits = [(answers == truth)[(truth >= task.start) & (truth < task.stop)] for task in drawn.tasks]
    return np.array([hit.mean() if len(hit) else np.nan for hit in hits])


def _summarised(method: str, drawn: Protocol, cell: Cell, right: Array) -> Result:
    name, size, shot, seed = cell
    sizes = np.array(
        [((drawn.truth >= task.start) & (drawn.truth < task.stop)).sum() for task in drawn.tasks]
    )
    return summarised((name, method, size, shot, seed), right, sizes)
