"""Known classes in a new domain: what is learned of the new one, and what is lost in the old one."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.benchmarks.setup import solve

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.classifier.calibration.posterior import by_label
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.vision.feature_extractor import FeatureExtractor


@dataclass(frozen=True)
class Step:
    """Accuracy in each domain at one point of learning.

    Attributes:
        data: name of the set.
        seed: of the order of classes.
        taught: what was taught and how, see OLD and the other names below.
        old: accuracy on test pictures of the old domain.
        new: accuracy on those of the new one.
    """

    data: str
    seed: int
    taught: str
    old: float
    new: float


OLD, BOTH, TOGETHER = "old domain", "and the new one", "both at once"

OTHERS_BEFORE, OTHERS = "every second class: before", "every second class: after the others were taught there"
"""Of every second class, which is never taught in the new domain, while the other classes are."""

APART, OTHERS_APART = f"{BOTH}, a mean for each lesson", f"{OTHERS}, a mean for each lesson"
"""The same if the lessons of a class did not share one mean; the router alone."""


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    task_size: int,
    seeds: int,
    on_step: Callable[[str], None],
    few: int | None = None,
) -> list[Step]:
    """Teach all classes in the old domain, then the same classes in the new one, or half of them.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        task_size: classes a task.
        seeds: orders of classes.
        on_step: called with what is done next.
        few: pictures of each class to teach in the new domain; None for all.

    Returns:
        Seven steps a set and seed.
    """
    steps = []
    for data in sets:
        for seed in range(seeds):
            on_step(f"{data.name}: known classes in a new domain, seed {seed}")
            drawn = protocol(data, task_size, None, seed)
            steps += [Step(data.name, seed, *figures) for figures in _taught(drawn, vision, few)]
    return steps


def split_domains(drawn: Protocol) -> tuple[list[Array], Array]:
    """Split pictures by the direction in which they differ most from the means of their classes.

    What pictures of all classes have in common there is not their class: light, background, distance.

    Args:
        drawn: the protocol.

    Returns:
        For each class whether a training picture lies in the new domain, bool [n_c] each, and the same of the
        test pictures, bool [m].
    """
    groups = [normalize(rows).astype(np.float64) for rows in drawn.groups]
    means = np.stack([rows.mean(axis=0) for rows in groups])
    residuals = np.concatenate([rows - mean for rows, mean in zip(groups, means, strict=True)])
    _, vectors = np.linalg.eigh(residuals.T @ residuals)
    direction = vectors[:, -1]
    sides = [(rows - mean) @ direction > 0 for rows, mean in zip(groups, means, strict=True)]
    return sides, (normalize(drawn.test) - means[drawn.truth]) @ direction > 0


def _taught(drawn: Protocol, vision: FeatureExtractor, few: int | None) -> list[tuple[str, float, float]]:
    sides, test_side = split_domains(drawn)
    others = np.arange(len(sides)) % 2 == 1
    of_others = others[drawn.truth]
    old = [~side for side in sides]
    new = [side if few is None else side & (np.cumsum(side) <= few) for side in sides]
    everything = [first | more for first, more in zip(old, new, strict=True)]
    some = [side & ~other for side, other in zip(new, others, strict=True)]

    def after(*lessons: Sequence[Array]) -> Array:
        with tempfile.TemporaryDirectory() as folder:
            learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
            for lesson in lessons:
                _teach(learner, drawn, lesson)
            right = _right(learner, drawn)
            learner.close()
        return right

    def shares(right: Array, which: Array) -> tuple[float, float]:
        return float(right[which & ~test_side].mean()), float(right[which & test_side].mean())

    first, every = after(old), np.ones(len(of_others), bool)
    return [
        (OLD, *shares(first, every)),
        (BOTH, *shares(after(old, new), every)),
        (APART, *shares(_right_apart(drawn, (old, new)), every)),
        (TOGETHER, *shares(after(everything), every)),
        (OTHERS_BEFORE, *shares(first, of_others)),
        (OTHERS, *shares(after(old, some), of_others)),
        (OTHERS_APART, *shares(_right_apart(drawn, (old, some)), of_others)),
    ]


def _teach(learner: Learner, drawn: Protocol, chosen: Sequence[Array]) -> None:
    for task in drawn.tasks:
        rows = {g: drawn.groups[g][chosen[g]] for g in range(task.start, task.stop) if chosen[g].any()}
        if rows:
            learner.learn_features({f"{group:05d}": z for group, z in rows.items()}, force=True)


def _right(learner: Learner, drawn: Protocol) -> Array:
    """Return which test pictures are classified correctly, bool [m]."""
    labels = np.array([int(label) for label in learner.state.labels])
    right: Array = labels[learner.model.posterior(drawn.test).argmax(axis=1)] == drawn.truth
    return right


def _right_apart(drawn: Protocol, lessons: Sequence[Sequence[Array]]) -> Array:
    """Return the same of a router in which every lesson of a class has a mean of its own."""
    taught = [
        (group, normalize(drawn.groups[group][chosen]))
        for lesson in lessons
        for group, chosen in enumerate(lesson)
        if chosen.any()
    ]
    labels, rows = np.array([group for group, _ in taught]), [z for _, z in taught]
    router, _ = solve(rows, labels)
    logs, _ = router.scores(normalize(drawn.test))
    right: Array = by_label(logs, labels, len(drawn.groups)).argmax(axis=1) == drawn.truth
    return right


def markdown(steps: Sequence[Step]) -> str:
    """Lay out the steps.

    Args:
        steps: of `measure`.

    Returns:
        Markdown.
    """
    rows = []
    for name, taught in dict.fromkeys((step.data, step.taught) for step in steps):
        some = [step for step in steps if (step.data, step.taught) == (name, taught)]
        rows.append(
            [
                name,
                taught,
                mean_and_spread(100 * step.old for step in some),
                mean_and_spread(100 * step.new for step in some),
            ]
        )
    header = ["set", "taught", "test pictures of the old domain", "of the new one"]
    return "Accuracy in percent, one picture at a time.\n\n" + as_table(header, rows) + "\n"
