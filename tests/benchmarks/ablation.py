"""What each part of the method contributes: every one switched off by itself, all else as it is."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from tests.benchmarks.setup import Fused, accuracy_inside_tasks, fuse, opinions, train_modules

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.bench.data import LabelledFeatures, Protocol, protocol, protocols
from edge_tosca.bench.table import as_table, mean_and_spread
from edge_tosca.classifier.lda.blocked_folds import Block
from edge_tosca.classifier.router_fit import SAMPLE
from edge_tosca.features.normalization import module_input, normalize
from edge_tosca.features.sampling import evenly
from edge_tosca.tosca.entropy_selection import entropy_log_posterior

ALL_ON = "none"
MODULES_ALONE = "router inside the task (modules alone)"
BY_ENTROPY = "router (modules by the paper's rule)"

# float16, through which features pass, ends at 65504.
_LARGEST = 6e4

_NEVER = -1e3


@dataclass(frozen=True)
class Trial:
    """One variant on one protocol.

    Attributes:
        data: name of the set.
        task_size: classes a task.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        variant: which part is off.
        accuracy: over all classes, one picture at a time.
        inside: accuracy where the true task is given; NaN where tasks have one class.
        overconfidence: mean confidence of the answers minus their accuracy; None where there is none.
        weight: of the modules.
    """

    data: str
    task_size: int
    shots: int | None
    seed: int
    variant: str
    accuracy: float
    inside: float
    overconfidence: float | None
    weight: float | None


def measure(
    sets: Sequence[LabelledFeatures],
    task_sizes: Sequence[int],
    shots: Sequence[int | None],
    seeds: int,
    on_step: Callable[[str], None],
) -> list[Trial]:
    """Try every variant on every protocol.

    Args:
        sets: the data.
        task_sizes: classes a task.
        shots: training pictures a class.
        seeds: orders and draws of pictures.
        on_step: called with what is done next.

    Returns:
        A trial a variant and protocol.
    """
    trials = []
    for data, size, shot, seed in protocols(sets, task_sizes, shots, seeds):
        on_step(f"{data.name}, parts off: tasks of {size}, {shot or 'all'} pictures, seed {seed}")
        drawn = protocol(data, size, shot, seed)
        for variant, logs, weight in variants(drawn):
            sure = np.exp(logs.max(axis=1)).mean()
            right = float(np.mean(logs.argmax(axis=1) == drawn.truth))
            trials.append(
                Trial(
                    data.name,
                    size,
                    shot,
                    seed,
                    variant,
                    accuracy=right,
                    inside=accuracy_inside_tasks(logs, drawn.truth, drawn.tasks),
                    overconfidence=None if variant in _UNCALIBRATED else float(sure) - right,
                    weight=weight,
                )
            )
    return trials


def variants(drawn: Protocol) -> Iterator[tuple[str, Array, float | None]]:
    """Answer a protocol's test pictures with one part off after another.

    Args:
        drawn: the protocol.

    Yields:
        The variant, its log-probabilities of the groups [m, g], and the weight of its modules, where it has
        one.
    """

    def answered(variant: str, of: Fused) -> tuple[str, Array, float | None]:
        return variant, of.log_posterior(), of.router.module_weight

    trained = train_modules(drawn)
    ours = fuse(trained)
    yield answered(ALL_ON, ours)
    yield answered("modules (router alone)", ours.weighing(0.0))
    yield MODULES_ALONE, _modules_decide(ours), None
    z = normalize(drawn.test)
    yield BY_ENTROPY, entropy_log_posterior(trained.modules, module_input(z)), None
    yield answered("choice of the modules' weight (0.5)", ours.weighing(0.5))
    yield answered("choice of the modules' weight (1)", ours.weighing(1.0))
    yield answered("three standard errors for the modules", fuse(trained, sure=0.0))
    unaided = fuse(train_modules(drawn, head_start=False))
    yield answered("the discriminant's scores in the modules' training", unaided)
    yield answered("the same, with weight 1", unaided.weighing(1.0))
    yield answered("choice of shrinkage (OAS)", fuse(trained, odds=(1.0,)))
    yield answered("mean shrinkage", fuse(trained, shrunken=False))
    yield answered("blocks (held out one by one)", fuse(trained, blocks=one_by_one(drawn)))
    yield answered("temperature", replace(ours, router=replace(ours.router, temperature=1.0)))
    yield answered("power normalisation", fuse(train_modules(unrooted(drawn))))


_UNCALIBRATED = (MODULES_ALONE, BY_ENTROPY)


def _modules_decide(ours: Fused) -> Array:
    """Let the router choose the task, and the task's module alone the class."""
    z = normalize(ours.trained.drawn.test)
    logs, _ = ours.router.scores(z)
    for columns, opinion in opinions(ours.trained, z):
        total = np.logaddexp.reduce(logs[:, columns], axis=1, keepdims=True)
        logs[:, columns] = total + log_softmax(opinion)
    tasks = ours.trained.drawn.tasks
    chosen = np.stack([np.logaddexp.reduce(logs[:, task], axis=1) for task in tasks]).argmax(axis=0)
    for place, task in enumerate(tasks):
        here = chosen == place
        logs[here, : task.start] += _NEVER
        logs[here, task.stop :] += _NEVER
    return logs


def one_by_one(drawn: Protocol) -> list[Block]:
    """Cut training pictures into blocks of one, as many as the router judges by.

    Args:
        drawn: the protocol.

    Returns:
        Blocks for `fit_router`.
    """
    every = [
        Block(group, np.array([row]))
        for group, rows in enumerate(drawn.groups)
        if len(rows) > 1
        for row in range(len(rows))
    ]
    return [every[place] for place in evenly(len(every), SAMPLE)]


def unrooted(drawn: Protocol) -> Protocol:
    """Square the features with their signs: the signed root then gives back what they were.

    Args:
        drawn: the protocol.

    Returns:
        The same protocol, whose power-normalised features are the plain ones at unit length.
    """

    def squared(rows: Array) -> Array:
        unit = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12)
        plain: Array = _LARGEST * np.sign(unit) * unit.astype(np.float64) ** 2
        return plain

    return replace(drawn, groups=tuple(map(squared, drawn.groups)), test=squared(drawn.test))


def markdown(trials: Sequence[Trial]) -> str:
    """Lay out the trials, a row a variant and a column a protocol.

    Args:
        trials: of `measure`.

    Returns:
        Markdown: accuracy in percent, then what it changes in points, inside the true task and in confidence.
    """
    cells: dict[tuple[str, int, int | None], dict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        cells[trial.data, trial.task_size, trial.shots][trial.variant].append(trial)
    heads = [f"{name}, tasks of {size}, {shots or 'all'}" for name, size, shots in cells]
    every = list(dict.fromkeys(trial.variant for trial in trials))

    def rows(value: Callable[[Trial], float | None]) -> list[list[str]]:
        return [
            [
                variant,
                *(
                    mean_and_spread(v for t in found[variant] if (v := value(t)) is not None and v == v)
                    for found in cells.values()
                ),
            ]
            for variant in every
        ]

    return (
        "\n\n".join(
            [
                "Accuracy in percent over all classes, one picture at a time, with one part off.",
                as_table(["part off", *heads], rows(lambda trial: 100 * trial.accuracy)),
                "Accuracy in percent inside the true task.",
                as_table(["part off", *heads], rows(lambda trial: 100 * trial.inside)),
                "Mean confidence minus accuracy, in points.",
                as_table(
                    ["part off", *heads],
                    rows(lambda t: None if t.overconfidence is None else 100 * t.overconfidence),
                ),
            ]
        )
        + "\n"
    )
