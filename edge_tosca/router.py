"""The default router: everything that is solved from the running sums and checked by leaving one out.

All settings (shrinkage, temperature, the modules' weight, the threshold for unknowns) are chosen on the
learner's own cached features, each scored as if it had not been seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.discriminant import Discriminant, LeaveOneOut, discriminant, oas_shrinkage, precision
from edge_tosca.luca import Array
from edge_tosca.posterior import best_temperature, by_label, log_softmax, refine
from edge_tosca.sums import Statistics
from edge_tosca.unknowns import (
    Familiarity,
    Ridge,
    fit_familiarity,
    fit_ridge,
    nearness,
    ridge_leave_one_out,
)

SAMPLE = 2000
"""Cached pictures that are scored by leaving one out, at most; spread evenly over the groups."""

EXEMPLARS = 32
"""Cached features of a group that a picture's nearness is measured against, at most."""

PROPOSED = 3
"""Groups that the router proposes for a closer look."""

SHRINKAGE_ODDS = (1.0, 3.0, 10.0)
"""Factors on the odds of the oracle-approximating shrinkage; the most truthful is kept."""

MODULE_WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
"""Weights of the modules' opinion; the most truthful is kept."""


@dataclass(frozen=True)
class TaskColumns:
    """Where a task's groups stand among all groups, and what its module said of held-out pictures.

    Attributes:
        columns: the task's groups.
        opinion: log-probabilities, [n, k], rows in the order of groups and pictures; NaN where a picture
            could not be held out; None where the module has no opinion (a task of one class).
    """

    columns: slice
    opinion: Array | None


@dataclass(frozen=True)
class Router:
    """All that is needed to answer, besides the modules.

    Attributes:
        discriminant: scores of the groups.
        ridge: responses of the groups, for familiarity.
        temperature: factor on the discriminant's scores.
        module_weight: how much a module's opinion counts inside its task.
        familiarity: the threshold for unknowns.
        shrinkage: what was chosen for the covariance.
    """

    discriminant: Discriminant
    ridge: Ridge
    temperature: float
    module_weight: float
    familiarity: Familiarity
    shrinkage: float

    def to_arrays(self) -> dict[str, Array]:
        """Give everything as arrays, for the store."""
        familiarity = self.familiarity
        return {
            "weights": self.discriminant.weights,
            "bias": self.discriminant.bias,
            "ridge_weights": self.ridge.weights,
            "ridge_bias": self.ridge.bias,
            "familiarity": np.array([*familiarity.mean, *familiarity.spread, familiarity.threshold]),
            "scalars": np.array([self.temperature, self.module_weight, self.shrinkage]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array]) -> "Router":
        """Read what `to_arrays` gave."""
        numbers = arrays["familiarity"]
        temperature, module_weight, shrinkage = (float(value) for value in arrays["scalars"])
        return cls(
            Discriminant(arrays["weights"], arrays["bias"]),
            Ridge(arrays["ridge_weights"], arrays["ridge_bias"]),
            temperature,
            module_weight,
            Familiarity(numbers[:2], numbers[2:4], float(numbers[4])),
            shrinkage,
        )

    def log_posterior(self, z: Array) -> Array:
        """Give the router's own log-probabilities.

        Args:
            z: conditioned features, float32 [n, d].

        Returns:
            [n, g].
        """
        return log_softmax(self.temperature * self.discriminant.scores(z))


@dataclass(frozen=True)
class LeftOut:
    """What the learner would have said of cached pictures it had not seen.

    Attributes:
        groups: true group of each, int [n].
        rows: each picture's place in its group, int [n].
        posterior: probabilities of the labels, [n, labels].
    """

    groups: Array
    rows: Array
    posterior: Array


def evenly(count: int, most: int) -> Array:
    """Pick places spread evenly over a sequence.

    Args:
        count: its length.
        most: how many to pick at most.

    Returns:
        Increasing indices, int [min(count, most)].
    """
    if count <= most:
        return np.arange(count)
    return (np.arange(most) * count) // most


def fit_router(
    statistics: Statistics,
    cached: Callable[[int], Array],
    label_of_group: Sequence[int],
    tasks: Sequence[TaskColumns],
    refused: float,
) -> tuple[Router, LeftOut]:
    """Solve the router and choose its settings.

    Args:
        statistics: of all groups.
        cached: conditioned features of a group by its index, float32 [n, d].
        label_of_group: index of each group's label.
        tasks: all tasks.
        refused: share of known pictures to call unknown.

    Returns:
        The router, and the leave-one-out answers that it was chosen by.
    """
    labels = np.asarray(label_of_group)
    counts = statistics.counts
    n = int(counts.sum())
    groups, rows, z = _sample(counts, cached, statistics.sums.shape[1])
    within = statistics.within()
    left_out = LeaveOneOut.of(within, z, groups, statistics.sums / counts[:, None], counts)
    base = oas_shrinkage(within, n)
    tried = []
    for shrinkage in dict.fromkeys(_with_odds(base, factor) for factor in SHRINKAGE_ODDS):
        scores = left_out.scores(precision(within, n, shrinkage), shrinkage)
        temperature, loss = best_temperature(scores, groups)
        tried.append((loss, shrinkage, temperature, scores))
    # Without any picture to leave out the losses are not numbers, and the first is as good as another.
    _, shrinkage, temperature, scores = min(tried, key=lambda trial: trial[0])

    log_posterior = log_softmax(temperature * scores)
    opinions = [_held_out(task, counts, groups, rows) for task in tasks]
    weight = _module_weight(log_posterior, groups, tasks, opinions)
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        log_posterior[index, task.columns] = refine(log_posterior[index], task.columns, opinion, weight)

    ridge, inverse = fit_ridge(statistics)
    responses = ridge_leave_one_out(statistics, ridge, inverse, z, groups)
    proposed = np.argsort(-log_posterior, axis=1)[:, :PROPOSED]
    near = _left_out_nearness(z, groups, rows, proposed, cached)
    strongest = np.take_along_axis(responses, proposed, axis=1).max(axis=1, initial=-np.inf)
    router = Router(
        discriminant(precision(within, n, shrinkage), left_out.means),
        ridge,
        temperature,
        weight,
        fit_familiarity(strongest, near, refused),
        shrinkage,
    )
    count = int(labels.max()) + 1
    return router, LeftOut(groups, rows, by_label(log_posterior, list(labels), count))


def _sample(counts: Array, cached: Callable[[int], Array], d: int) -> tuple[Array, Array, Array]:
    most = max(2, SAMPLE // len(counts))
    picks = [evenly(int(n), most) if n > 1 else np.arange(0) for n in counts]
    groups = np.repeat(np.arange(len(picks)), [len(pick) for pick in picks])
    z = [cached(group)[pick] for group, pick in enumerate(picks) if len(pick)]
    return groups, np.concatenate(picks), np.concatenate(z) if z else np.zeros((0, d), np.float32)


def _with_odds(shrinkage: float, factor: float) -> float:
    return factor * shrinkage / (1 - shrinkage + factor * shrinkage)


def _held_out(task: TaskColumns, counts: Array, groups: Array, rows: Array) -> tuple[Array, Array]:
    """Find the sampled pictures of a task that its module was tried on, and what it said of them."""
    if task.opinion is None:
        return np.zeros(0, int), np.zeros((0, task.columns.stop - task.columns.start))
    offsets = np.cumsum(counts) - counts
    index = np.flatnonzero((groups >= task.columns.start) & (groups < task.columns.stop))
    opinion = task.opinion[offsets[groups[index]] - offsets[task.columns.start] + rows[index]]
    known = ~np.isnan(opinion).any(axis=1)
    return index[known], opinion[known]


def _module_weight(
    log_posterior: Array,
    groups: Array,
    tasks: Sequence[TaskColumns],
    opinions: Sequence[tuple[Array, Array]],
) -> float:
    """Choose the weight under which true groups are most probable inside their tasks."""
    losses = np.zeros(len(MODULE_WEIGHTS))
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        truth = groups[index] - task.columns.start
        inside = log_posterior[index, task.columns]
        for place, weight in enumerate(MODULE_WEIGHTS if len(index) else ()):
            losses[place] -= log_softmax(inside + weight * opinion)[np.arange(len(index)), truth].sum()
    return MODULE_WEIGHTS[int(np.argmin(losses))]


def _left_out_nearness(
    z: Array, groups: Array, rows: Array, proposed: Array, cached: Callable[[int], Array]
) -> Array:
    near = np.full(len(z), -1.0)
    for index, candidates in enumerate(proposed):
        pool = []
        for group in candidates:
            features = cached(group)
            picks = evenly(len(features), EXEMPLARS)
            pool.append(features[picks[(group != groups[index]) | (picks != rows[index])]])
        near[index] = nearness(z[index], np.concatenate(pool))
    return near
