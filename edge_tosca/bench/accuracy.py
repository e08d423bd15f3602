"""Accuracy of ours and of other methods on any folder of pictures, one picture at a time."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge_tosca.bench.baselines import (
    frozen_ranpac,
    joint_probe,
    nearest_mean,
    paper_tosca,
    streaming_lda,
)
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.learner import Learner
from edge_tosca.luca import Array
from edge_tosca.vision import Vision

OURS = "ours"
METHODS = {
    OURS: "edge-tosca, default router with modules",
    "router": "ours without the modules",
    "probe": "logistic regression on all classes at once (keeps everything)",
    "ranpac": "RanPAC, frozen backbone, width 5000",
    "slda": "streaming LDA (OAS, power-normalised)",
    "ncm": "nearest class mean",
    "entropy": "the paper's TOSCA, one picture at a time",
    "entropy48": "the paper's TOSCA, batches of 48 sorted by class, as released (leaks)",
    "entropy48s": "the paper's TOSCA, batches of 48 shuffled",
    "oracle": "the paper's TOSCA, true task given",
}
"""What is compared, in the order of the table."""


@dataclass(frozen=True)
class Result:
    """One method on one protocol.

    Attributes:
        data: name of the set.
        method: a key of METHODS.
        task_size: classes a task.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        last: accuracy over all classes after the last task.
        average: mean over tasks of the accuracy after each (A-bar); None where there is one task, or the
            method is not incremental.
        forgetting: mean over tasks of what accuracy was lost since the task was learned; None likewise.
        curve: accuracy after each task.
    """

    data: str
    method: str
    task_size: int
    shots: int | None
    seed: int
    last: float
    average: float | None = None
    forgetting: float | None = None
    curve: tuple[float, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """All results, and the confusion of ours on the last protocol of each set.

    Attributes:
        results: in the order in which they were found.
        confusion: set to int [classes, classes], truth by answer.
        classes: set to class names in the order of the confusion.
    """

    results: tuple[Result, ...]
    confusion: dict[str, Array]
    classes: dict[str, tuple[str, ...]]


def compare(
    sets: Sequence[LabelledFeatures],
    vision: Vision,
    task_sizes: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    methods: Sequence[str],
    on_step: Callable[[str], None],
) -> Comparison:
    """Run every method on every protocol.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        task_sizes: classes a task.
        shots: training pictures a class.
        seeds: orders and draws of pictures.
        methods: keys of METHODS.
        on_step: told what is done next.

    Returns:
        The results.
    """
    results: list[Result] = []
    confusion: dict[str, Array] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for data in sets:
        for shot in shots:
            for seed in range(seeds):
                joint: dict[str, Result] = {}
                for size in task_sizes:
                    on_step(f"{data.name}: tasks of {size}, {shot or 'all'} pictures a class, seed {seed}")
                    drawn = protocol(data, size, shot, seed)
                    key = (data.name, size, shot, seed)
                    if OURS in methods or "router" in methods:
                        ours, answers = _ours(drawn, key, vision, methods)
                        results += ours
                        if answers is not None:
                            confusion[data.name] = _confusion(drawn.truth, answers, len(drawn.groups))
                            classes[data.name] = _class_order(data, seed)
                    for method in methods:
                        if method in ("probe", "ranpac", "slda", "ncm"):
                            # The cut into tasks does not matter to them: found once for a draw of pictures.
                            if method not in joint:
                                joint[method] = _joint(method, drawn, key)
                            known = joint[method]
                            results.append(replace(known, task_size=size))
                    results += _paper(drawn, key, methods)
    return Comparison(tuple(results), confusion, classes)


def _ours(
    drawn: Protocol, key: tuple[str, int, int | None, int], vision: Vision, methods: Sequence[str]
) -> tuple[list[Result], Array | None]:
    """Teach a real learner task by task, through its store, and ask it picture by picture."""
    name, size, shot, seed = key
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
        right = {method: np.zeros((len(drawn.tasks), len(drawn.tasks))) for method in (OURS, "router")}
        answers: dict[str, Array] = {}
        for place, task in enumerate(drawn.tasks):
            taught = {_label(group): drawn.groups[group] for group in range(task.start, task.stop)}
            learner.learn_features(taught, f"task {place + 1}", force=True)
            seen = drawn.truth < task.stop
            for method in right:
                if method in methods:
                    posterior = learner.knowledge.posterior(drawn.test[seen], modules=method == OURS)
                    answers[method] = posterior.argmax(axis=1)
                    for earlier in range(place + 1):
                        of = _inside(drawn.truth[seen], drawn.tasks[earlier])
                        hits = answers[method][of] == drawn.truth[seen][of]
                        right[method][place, earlier] = hits.mean() if len(hits) else np.nan
        learner.close()
    results = []
    sizes = np.array([_inside(drawn.truth, task).sum() for task in drawn.tasks])
    for method, table in right.items():
        if method in methods:
            curve = tuple(
                float(np.nansum(row[: n + 1] * sizes[: n + 1]) / sizes[: n + 1].sum())
                for n, row in enumerate(table)
            )
            lost = [np.nanmax(table[:, n]) - table[-1, n] for n in range(len(table) - 1)]
            many = len(curve) > 1
            results.append(
                Result(
                    name,
                    method,
                    size,
                    shot,
                    seed,
                    last=curve[-1],
                    average=float(np.mean(curve)) if many else None,
                    forgetting=float(np.nanmean(lost)) if many else None,
                    curve=curve,
                )
            )
    return results, answers.get(OURS)


def _joint(method: str, drawn: Protocol, key: tuple[str, int, int | None, int]) -> Result:
    name, size, shot, seed = key
    if method == "probe":
        answers = joint_probe(drawn.groups, drawn.test, seed)
    elif method == "ranpac":
        answers = frozen_ranpac(drawn.groups, drawn.test, seed)
    elif method == "slda":
        answers = streaming_lda(drawn.groups, drawn.test)
    else:
        answers = nearest_mean(drawn.groups, drawn.test)
    return Result(name, method, size, shot, seed, last=float(np.mean(answers == drawn.truth)))


def _paper(drawn: Protocol, key: tuple[str, int, int | None, int], methods: Sequence[str]) -> list[Result]:
    wanted = [method for method in ("entropy", "entropy48", "entropy48s", "oracle") if method in methods]
    if not wanted:
        return []
    name, size, shot, seed = key
    said = paper_tosca(drawn.groups, drawn.tasks, drawn.test, drawn.truth, seed)
    answers = {
        "entropy": said.single,
        "entropy48": said.sorted_batches,
        "entropy48s": said.shuffled_batches,
        "oracle": said.true_task,
    }
    return [
        Result(name, method, size, shot, seed, last=float(np.mean(answers[method] == drawn.truth)))
        for method in wanted
    ]


def _inside(truth: Array, task: slice) -> Array:
    inside: Array = (truth >= task.start) & (truth < task.stop)
    return inside


def _label(group: int) -> str:
    return f"{group:05d}"


def _class_order(data: LabelledFeatures, seed: int) -> tuple[str, ...]:
    rng = np.random.default_rng(seed)
    return tuple(
        data.classes[c] for c in rng.permutation(len(data.classes)) if (data.train_labels == c).any()
    )


def _confusion(truth: Array, answers: Array, classes: int) -> Array:
    table = np.zeros((classes, classes), int)
    np.add.at(table, (truth, answers), 1)
    return table
