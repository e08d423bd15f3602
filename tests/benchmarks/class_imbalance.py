"""Classes of few pictures among classes of many: accuracy on each kind, with ours and with other methods."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.benchmarks.setup import fuse, train_modules

from edge_tosca.arrays import Array
from edge_tosca.bench.baselines import frozen_ranpac, joint_probe, nearest_mean, streaming_lda
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol
from edge_tosca.bench.results import OURS, TITLES
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.vision.feature_extractor import FeatureExtractor

PLAIN = "plain"
"""Ours with the means of few pictures as they are."""

_TITLES = {**TITLES, PLAIN: "ours, means as they are"}


@dataclass(frozen=True)
class Imbalanced:
    """A protocol in which every second class has few training pictures.

    Attributes:
        drawn: the protocol; classes of many pictures come first, and no task has classes of both kinds.
        few: which groups are of few pictures, bool [g].
    """

    drawn: Protocol
    few: Array


@dataclass(frozen=True)
class Trial:
    """One method on one draw; shares in 0 .. 1.

    Attributes:
        data: name of the set.
        few: training pictures of every second class.
        many: of the other classes, at most; None for all.
        seed: of the order of classes and the draw of pictures.
        method: PLAIN, or a key of `results.METHODS`.
        right_few: accuracy on test pictures of the classes of few pictures.
        right_many: on those of the others.
        balanced: mean of the accuracies on each class.
        unknown_few: test pictures of the classes of few pictures that are called unknown; None where the
            method calls nothing unknown.
        unknown_many: of the others.
    """

    data: str
    few: int
    many: int | None
    seed: int
    method: str
    right_few: float
    right_many: float
    balanced: float
    unknown_few: float | None
    unknown_many: float | None


def measure(
    sets: Sequence[LabelledFeatures],
    vision: FeatureExtractor,
    few: Sequence[int],
    many: int | None,
    task_size: int,
    seeds: int,
    on_step: Callable[[str], None],
) -> list[Trial]:
    """Teach classes of many pictures, then classes of few, and predict pictures of both.

    Args:
        sets: the data.
        vision: the backbone that the features came through.
        few: training pictures of every second class.
        many: of the other classes, at most; None for all.
        task_size: classes a task.
        seeds: orders of classes and draws of pictures.
        on_step: called with what is done next.

    Returns:
        A trial a set, number of few pictures, seed and method.

    Raises:
        LearnError: a set has no test pictures of one of the two kinds of classes.
    """
    trials = []
    for data in sets:
        for count in few:
            for seed in range(seeds):
                on_step(f"{data.name}: every second class of {count} pictures, seed {seed}")
                dealt = imbalanced(data, task_size, count, many, seed)
                for method, answers, unknown in _answers(dealt.drawn, vision, seed):
                    shares = _shares(dealt, answers, unknown)
                    trials.append(Trial(data.name, count, many, seed, method, *shares))
    return trials


def imbalanced(data: LabelledFeatures, task_size: int, few: int, many: int | None, seed: int) -> Imbalanced:
    """Draw a protocol and leave few training pictures to every second class, from the first on.

    Args:
        data: the set.
        task_size: classes a task.
        few: training pictures of every second class.
        many: of the other classes, at most; None for all.
        seed: of the order of classes and the draw of pictures.

    Returns:
        The protocol. With another `few` the same seed draws more or fewer of the same pictures.

    Raises:
        LearnError: there are no test pictures of one of the two kinds of classes.
    """
    even = protocol(data, task_size, None, seed)
    rng = np.random.default_rng(seed)
    groups = []
    for place, rows in enumerate(even.groups):
        chosen = rng.permutation(len(rows))[: many if place % 2 else few]
        groups.append(rows[np.sort(chosen)])
    order = [*range(1, len(groups), 2), *range(0, len(groups), 2)]
    truth, is_few = np.argsort(order)[even.truth], np.array(order) % 2 == 0
    if len(np.unique(is_few[truth])) < 2:
        raise LearnError(f"{data.name} has test pictures of too few classes; give every class some")
    middle = len(groups) // 2
    tasks = [
        slice(start, min(start + task_size, stop))
        for first, stop in ((0, middle), (middle, len(groups)))
        for start in range(first, stop, task_size)
    ]
    drawn = Protocol(tuple(groups[g] for g in order), tuple(tasks), even.test, truth)
    return Imbalanced(drawn, is_few)


def _answers(
    drawn: Protocol, vision: FeatureExtractor, seed: int
) -> Iterator[tuple[str, Array, Array | None]]:
    """Yield every method's answers, int [m], and what it calls unknown, bool [m], if it does."""
    yield OURS, *_ours(drawn, vision)
    yield PLAIN, *_plain(drawn)
    yield "probe", joint_probe(drawn.groups, drawn.test, seed), None
    yield "ranpac", frozen_ranpac(drawn.groups, drawn.test, seed), None
    yield "slda", streaming_lda(drawn.groups, drawn.test), None
    yield "ncm", nearest_mean(drawn.groups, drawn.test), None


def _ours(drawn: Protocol, vision: FeatureExtractor) -> tuple[Array, Array]:
    """Teach a real learner task by task, through its store, and predict picture by picture."""
    with tempfile.TemporaryDirectory() as folder:
        learner = Learner.create(Path(folder) / "bench.tosca", vision.bundle_path)
        for task in drawn.tasks:
            taught = {f"{group:05d}": drawn.groups[group] for group in range(task.start, task.stop)}
            learner.learn_features(taught, force=True)
        answers = learner.predict_features(drawn.test, 1)
        learner.close()
    return np.array([int(answer.label) for answer in answers]), np.array([a.unknown for a in answers])


def _plain(drawn: Protocol) -> tuple[Array, Array]:
    plain = fuse(train_modules(drawn), shrunken=False)
    router, z = plain.router, normalize(drawn.test)
    unknown: Array = router.ood.score(z, router.scores(z)[1]) < router.ood.threshold
    return plain.log_posterior().argmax(axis=1), unknown


def _shares(
    dealt: Imbalanced, answers: Array, unknown: Array | None
) -> tuple[float, float, float, float | None, float | None]:
    truth = dealt.drawn.truth
    few, right = dealt.few[truth], answers == truth
    balanced = float(np.mean([right[truth == group].mean() for group in np.unique(truth)]))
    shares = (float(right[few].mean()), float(right[~few].mean()), balanced)
    if unknown is None:
        return *shares, None, None
    return *shares, float(unknown[few].mean()), float(unknown[~few].mean())


def markdown(trials: Sequence[Trial]) -> str:
    """Lay out the trials, a row a set, number of few pictures and method.

    Args:
        trials: of `measure`.

    Returns:
        Markdown: shares in percent, mean over seeds with the standard deviation.
    """
    rows = []
    for cell in dict.fromkeys((trial.data, trial.few, trial.many, trial.method) for trial in trials):
        some = [trial for trial in trials if (trial.data, trial.few, trial.many, trial.method) == cell]
        name, few, many, method = cell
        columns: list[list[float | None]] = [
            [trial.right_few for trial in some],
            [trial.right_many for trial in some],
            [trial.balanced for trial in some],
            [trial.unknown_few for trial in some],
            [trial.unknown_many for trial in some],
        ]
        cells = [mean_and_spread(100 * v for v in values if v is not None) for values in columns]
        rows.append([name, f"{few} and {many or 'all'}", _TITLES[method], *cells])
    header = [
        "set",
        "pictures a class",
        "method",
        "accuracy, classes of few",
        "accuracy, classes of many",
        "mean over classes",
        "called unknown, few",
        "called unknown, many",
    ]
    return "In percent of test pictures, one picture at a time.\n\n" + as_table(header, rows) + "\n"
