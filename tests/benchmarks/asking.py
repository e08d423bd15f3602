"""What questions teach: accuracy after 50 answers, with pictures chosen by the learner and at random.

A first lesson teaches some classes; the other training pictures wait without a name. Ten are asked about,
named and taught, five times over. Each test picture is answered alone. What was learned before the first
question, the pool and the test pictures are the same for all rules of a draw.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tests.benchmarks.setup import solve

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures
from edge_tosca.bench.table import as_table
from edge_tosca.classifier.asking import FAR_SHARE, questions
from edge_tosca.classifier.router import Router
from edge_tosca.features.normalization import normalize

ROUNDS = 5
ASKED = 10
"""Questions of a round, after which their answers are taught."""

POOL = 600
"""Pictures that wait without a name, at most."""

FIRST = {"half of the classes, 5 pictures each": (0.5, 5), "all classes, 2 pictures each": (1.0, 2)}
"""First lesson to the share of the classes and the pictures of each that it teaches."""

RULES: dict[str, float | None] = {"random": None, "border": 0.0, "far": 1.0, "both": FAR_SHARE}
"""Rule to its `far_share`; None for pictures at random."""


@dataclass(frozen=True)
class Trial:
    """One draw of a first lesson and a pool.

    Attributes:
        data: name of the set.
        first: the first lesson.
        rule: that chooses the pictures.
        seed: of the draw.
        before: accuracy after the first lesson, 0 .. 1.
        after: accuracy after all questions.
    """

    data: str
    first: str
    rule: str
    seed: int
    before: float
    after: float


@dataclass(frozen=True)
class _Draw:
    """Normalised features of a set, and rows of the training pictures taught first and of those that wait."""

    train: Array
    truth: Array
    test: Array
    test_truth: Array
    taught: Array
    pool: Array


def measure(sets: Sequence[LabelledFeatures], draws: int, on_step: Callable[[str], None]) -> Iterator[Trial]:
    """Measure.

    Args:
        sets: with the first part of their features alone.
        draws: first lessons and pools of each kind.
        on_step: called with one line before each draw.

    Yields:
        One trial for each set, first lesson, rule and draw.
    """
    for data in sets:
        z, test = normalize(data.train), normalize(data.test)
        for first, (share, shots) in FIRST.items():
            for seed in range(draws):
                on_step(f"{data.name}, {first}, draw {seed}")
                draw = _drawn(data, z, test, share, shots, seed)
                for rule, far_share in RULES.items():
                    before, after = _ask(draw, far_share, seed)
                    yield Trial(data.name, first, rule, seed, before, after)


def _drawn(data: LabelledFeatures, z: Array, test: Array, share: float, shots: int, seed: int) -> _Draw:
    rng = np.random.default_rng(seed)
    classes = rng.permutation(len(data.classes))
    known = classes[: max(2, int(share * len(classes)))]
    taught = np.concatenate(
        [rng.permutation(np.flatnonzero(data.train_labels == label))[:shots] for label in known]
    )
    pool = rng.permutation(np.setdiff1d(np.arange(len(z)), taught))[:POOL]
    return _Draw(z, data.train_labels, test, data.test_labels, taught, pool)


def _ask(draw: _Draw, far_share: float | None, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng((seed, 1))
    taught, pool = draw.taught, draw.pool
    accuracies = []
    for turn in range(ROUNDS + 1):
        router, labels = _learned(draw.train[taught], draw.truth[taught])
        answers = labels[_shares(router, draw.test).argmax(axis=1)]
        accuracies.append(float(np.mean(answers == draw.test_truth)))
        if turn == ROUNDS:
            break
        if far_share is None:
            chosen = rng.permutation(len(pool))[:ASKED]
        else:
            waiting = draw.train[pool]
            nearest = (waiting @ draw.train[taught].T).max(axis=1)
            found = questions(waiting, _shares(router, waiting), nearest, ASKED, far_share)
            chosen = np.array([one.place for one in found])
        taught, pool = np.concatenate([taught, pool[chosen]]), np.delete(pool, chosen)
    return accuracies[0], accuracies[-1]


def _learned(z: Array, truth: Array) -> tuple[Router, Array]:
    labels = np.unique(truth)
    router, _ = solve([z[truth == label] for label in labels], np.arange(len(labels)))
    return router, labels


def _shares(router: Router, z: Array) -> Array:
    logs = router.scores(router.view(z))[0]
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    found: Array = shares / shares.sum(axis=1, keepdims=True)
    return found


def markdown(trials: Sequence[Trial]) -> str:
    """Write a table of all trials: one row for each set and first lesson."""
    rows = []
    for data, first in dict.fromkeys((trial.data, trial.first) for trial in trials):
        some = [trial for trial in trials if (trial.data, trial.first) == (data, first)]
        before = 100 * float(np.mean([trial.before for trial in some]))
        after = {rule: np.array([100 * t.after for t in some if t.rule == rule]) for rule in RULES}
        gain = after["both"] - after["random"]
        error = float(np.std(gain) / np.sqrt(len(gain)))
        cells = [f"{float(np.mean(after[rule])):.1f}" for rule in RULES]
        rows.append([data, first, f"{before:.1f}", *cells, f"{float(np.mean(gain)):+.1f} ± {error:.1f}"])
    return as_table(["set", "first lesson", "before", *RULES, "both less random"], rows)
