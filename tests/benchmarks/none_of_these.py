"""What pictures of none of the classes change: a real learner before and after `learn --none`.

One to five classes of a set are taught from 20 pictures each. Pictures of none are 20 of one untaught class,
ten of each of three, or 20 test pictures of the other sets.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures
from edge_tosca.classifier.ood import none_of_these as border
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.lesson import LessonClass
from edge_tosca.learner.none_of_these import learn_none
from edge_tosca.vision.feature_extractor import FeatureExtractor

SHOTS = 20
"""Pictures of each class that is taught."""

CLASSES = (1, 2, 5)
"""Numbers of classes that are taught."""

MIXED = 3
"""Untaught classes whose pictures are mixed, SHOTS / 2 of each."""

MOST = 300
"""Test pictures of other untaught classes."""


@dataclass(frozen=True)
class Trial:
    """One draw; each pair holds the share called unknown before and after the pictures of none.

    Attributes:
        data: name of the set.
        classes: number of classes taught.
        kind: of the pictures of none.
        known: share of test pictures of the taught classes.
        like: share of further pictures like those of none.
        other: share of test pictures of the other untaught classes.
    """

    data: str
    classes: int
    kind: str
    known: tuple[float, float]
    like: tuple[float, float]
    other: tuple[float, float]


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    draws: int,
    on_step: Callable[[str], None],
    lean: float | None = None,
) -> list[Trial]:
    """Measure all sets.

    Args:
        sets: at least one.
        vision: the backbone of the features.
        draws: of classes and pictures.
        on_step: called with what is measured next.
        lean: in place of the learner's constant.

    Returns:
        The trials.
    """
    if lean is not None:
        border.LEAN = lean
    found = []
    for data in sets:
        others = [other.test for other in sets if other is not data]
        for classes in CLASSES:
            on_step(f"{data.name}: {classes} classes")
            for seed in range(draws):
                found += list(_trials(data, others, vision, classes, seed))
    return found


def _trials(
    data: LabelledFeatures, others: Sequence[Array], vision: FeatureExtractor, classes: int, seed: int
) -> Iterator[Trial]:
    rng = np.random.default_rng((seed, classes))
    order = rng.permutation(len(data.classes))
    taught, untaught = order[:classes], order[classes:]
    if len(untaught) <= MIXED:
        return

    def drawn(label: int, shots: int) -> Array:
        rows = rng.permutation(np.flatnonzero(data.train_labels == label))[:shots]
        found: Array = data.train[np.sort(rows)]
        return found

    def tested(labels: Array) -> Array:
        return data.test[np.isin(data.test_labels, labels)]

    lesson = {f"class {label}": drawn(label, SHOTS) for label in taught}
    kinds = {"one class": (drawn(untaught[0], SHOTS), tested(untaught[:1]), untaught[1:])}
    mixed = np.concatenate([drawn(label, SHOTS // 2) for label in untaught[:MIXED]])
    kinds["three classes"] = (mixed, tested(untaught[:MIXED]), untaught[MIXED:])
    if others:
        far = rng.permutation(np.concatenate(others))
        kinds["other sets"] = (far[:SHOTS], far[SHOTS : SHOTS + MOST], untaught)
    known = tested(taught)
    for kind, (none, like, rest) in kinds.items():
        near = rng.permutation(tested(rest))[:MOST]
        with tempfile.TemporaryDirectory() as folder:
            learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
            learner.learn_features(lesson, force=True)
            before = [_unknown(learner, rows) for rows in (known, like, near)]
            learn_none(learner.store, LessonClass(none, [""] * len(none)))
            after = [_unknown(learner, rows) for rows in (known, like, near)]
            learner.close()
        pairs = list(zip(before, after, strict=True))
        yield Trial(data.name, classes, kind, *pairs)


def _unknown(learner: Learner, rows: Array) -> float:
    return float(np.mean([answer.unknown for answer in learner.predict_features(rows, top=1)]))


def to_json(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return the trials as plain values."""
    return [asdict(trial) for trial in trials]


def markdown(trials: Sequence[Trial]) -> str:
    """Write the means over draws and numbers of classes as a table: percentages called unknown."""
    lines = [
        "| set | pictures of none | known, before / after | like those of none | other untaught classes |",
        "|---|---|---|---|---|",
    ]
    for data, kind in dict.fromkeys((trial.data, trial.kind) for trial in trials):
        some = [trial for trial in trials if (trial.data, trial.kind) == (data, kind)]
        cells = [
            " / ".join(f"{100 * np.mean([getattr(trial, name)[at] for trial in some]):.1f}" for at in (0, 1))
            for name in ("known", "like", "other")
        ]
        lines.append(f"| {data} | {kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
