"""The default router: everything that is solved from the running sums and checked on left-out pictures.

All settings (shrinkage, temperature, the modules' weight, the threshold for unknowns) are chosen on the
learner's own cached features, each scored as if its block of neighbours had not been seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.conformal import calibrate
from edge_tosca.discriminant import (
    SHRINKAGE_ODDS,
    Discriminant,
    LeaveBlockOut,
    choose_shrinkage,
    discriminant,
)
from edge_tosca.folds import Block, choose_blocks
from edge_tosca.luca import Array
from edge_tosca.posterior import by_label, log_softmax, refine
from edge_tosca.sums import Statistics
from edge_tosca.unknowns import (
    Familiarity,
    Ridge,
    directions,
    fit_familiarity,
    fit_ridge,
    left_out_nearness,
    left_out_responses,
    margin,
)

SAMPLE = 1000
"""About how many cached pictures are left out to judge by; spread evenly over the groups."""

JUDGES = 500
"""About how many of them choose the shrinkage."""

PROPOSED = 3
"""Groups that the router proposes for a closer look."""

MODULE_WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
"""Weights of the modules' opinion; the most truthful is kept."""


SURE = 3.0
"""Standard errors by which the modules must help on left-out pictures before they are heard: the best of five
weights is chosen, and pictures of one series are not independent."""


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
        discriminant: scores of the groups, and of the background in the last row.
        ridge: responses of the groups, for familiarity.
        directions: of the groups' means, for familiarity, float16 [g, d].
        temperature: factor on the discriminant's scores.
        module_weight: how much a module's opinion counts inside its task.
        familiarity: the threshold for unknowns.
        shrinkage: what was chosen for the covariance.
        calibration: of label sets; probabilities of the true labels of left-out pictures, float32 [n].
    """

    discriminant: Discriminant
    ridge: Ridge
    directions: Array
    temperature: float
    module_weight: float
    familiarity: Familiarity
    shrinkage: float
    calibration: Array

    def to_arrays(self) -> dict[str, Array]:
        """Give everything as arrays, for the store."""
        familiarity = self.familiarity
        return {
            "weights": self.discriminant.weights,
            "bias": self.discriminant.bias,
            "ridge_weights": self.ridge.weights,
            "ridge_bias": self.ridge.bias,
            "directions": self.directions,
            "familiarity": np.stack([familiarity.mean, familiarity.spread]),
            "threshold": np.array([familiarity.threshold]),
            "scalars": np.array([self.temperature, self.module_weight, self.shrinkage]),
            "calibration": self.calibration,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], groups: int, dimensions: int) -> "Router":
        """Read what `to_arrays` gave.

        Args:
            arrays: from the store.
            groups: that the router must know.
            dimensions: of a feature.

        Returns:
            The router.

        Raises:
            KeyError: an array is missing.
            ValueError: an array does not fit.
        """
        shapes = {
            "weights": (groups + 1, dimensions),
            "bias": (groups + 1,),
            "ridge_weights": (groups, dimensions),
            "ridge_bias": (groups,),
            "directions": (groups, dimensions),
            "familiarity": (2, 3),
            "threshold": (1,),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape or np.isnan(arrays[name]).any():
                raise ValueError(f"{name} does not fit")
        temperature, module_weight, shrinkage = (float(value) for value in arrays["scalars"])
        mean, spread = arrays["familiarity"]
        return cls(
            Discriminant(arrays["weights"], arrays["bias"]),
            Ridge(arrays["ridge_weights"], arrays["ridge_bias"]),
            arrays["directions"],
            temperature,
            module_weight,
            Familiarity(mean, spread, float(arrays["threshold"][0])),
            shrinkage,
            arrays["calibration"],
        )

    def ask(self, z: Array) -> tuple[Array, Array]:
        """Give the router's own opinion.

        Args:
            z: conditioned features, float32 [n, d].

        Returns:
            Log-probabilities of the groups, [n, g], and the best score beyond the background's, [n].
        """
        scores = self.discriminant.scores(z)
        groups = scores[:, :-1]
        return log_softmax(self.temperature * groups), groups.max(axis=1) - scores[:, -1]


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
    label_of_group: Sequence[int] | Array,
    tasks: Sequence[TaskColumns],
    refused: float,
    *,
    odds: Sequence[float] = SHRINKAGE_ODDS,
    sure: float = SURE,
    blocks: Sequence[Block] | None = None,
) -> tuple[Router, LeftOut]:
    """Solve the router and choose its settings.

    Args:
        statistics: of all groups.
        cached: conditioned features of a group by its index, float32 [n, d].
        label_of_group: index of each group's label.
        tasks: all tasks.
        refused: share of known pictures to call unknown.
        odds: of the shrinkage, to choose from.
        sure: standard errors by which the modules must help.
        blocks: what to leave out together, ordered by group; neighbours by default.

    Returns:
        The router, and the answers to left-out pictures that it was chosen by.
    """
    counts, sums = statistics.counts, statistics.sums
    if blocks is None:
        # The newest task is judged on all its pictures, however many there are of others.
        blocks = choose_blocks(counts, SAMPLE, tasks[-1].columns)
    groups = np.repeat([block.group for block in blocks], [len(block.rows) for block in blocks]).astype(int)
    rows = np.concatenate([np.zeros(0, int), *(block.rows for block in blocks)])
    z = np.empty((len(rows), sums.shape[1]), np.float32)
    ends = np.cumsum([len(block.rows) for block in blocks]).tolist()
    for block, end in zip(blocks, ends, strict=True):
        z[end - len(block.rows) : end] = cached(block.group)[block.rows]
    # First, so that its matrices are gone before the next ones come.
    ridge, penalised = fit_ridge(statistics)
    within = statistics.within()
    # With few pictures the scores are large and their differences small; with many, float32 tells enough.
    dtype = np.float32 if counts.sum() > sums.shape[1] else np.float64
    left_out = LeaveBlockOut.of(z, tuple(blocks), sums, counts, dtype)
    choice = choose_shrinkage(within, left_out, label_of_group, odds, JUDGES)
    log_posterior = log_softmax(choice.temperature * choice.scores)
    proposed = np.argpartition(-log_posterior, min(PROPOSED, len(counts)) - 1, axis=1)[:, :PROPOSED]
    opinions = [_held_out(task, counts, groups, rows) for task in tasks]
    weight = _module_weight(log_posterior, groups, tasks, opinions, sure)
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        log_posterior[index, task.columns] = refine(log_posterior[index], task.columns, opinion, weight)

    signs = np.stack(
        [
            choice.scores.max(axis=1, initial=-np.inf) - choice.background,
            margin(left_out_responses(statistics, ridge, penalised, z, blocks, proposed)),
            left_out_nearness(z, blocks, proposed, sums, counts),
        ],
        axis=1,
    )
    labels = np.asarray(label_of_group)
    posterior = by_label(log_posterior, labels, int(labels.max()) + 1)
    del left_out, penalised, z
    router = Router(
        discriminant(choice.inverse, choice.means),
        ridge,
        directions(sums / counts[:, None]),
        choice.temperature,
        weight,
        fit_familiarity(signs, refused),
        choice.shrinkage,
        calibrate(posterior, labels[groups]),
    )
    return router, LeftOut(groups, rows, posterior)


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
    sure: float,
) -> float:
    """Choose the weight under which true groups are most probable inside their tasks.

    The modules are heard only where that gain is beyond chance: by so many standard errors over the pictures.
    """
    gains = [np.zeros((len(MODULE_WEIGHTS), 0))]
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        truth, every = groups[index] - task.columns.start, np.arange(len(index))
        inside = log_posterior[index, task.columns]
        if len(index):
            said = [log_softmax(inside + weight * opinion)[every, truth] for weight in MODULE_WEIGHTS]
            gains.append(np.stack(said) - log_softmax(inside)[every, truth])
    gain = np.concatenate(gains, axis=1)
    if gain.shape[1] < 2:
        return 0.0
    best = int(gain.mean(axis=1).argmax())
    error = gain[best].std(ddof=1) / np.sqrt(gain.shape[1])
    return MODULE_WEIGHTS[best] if gain[best].mean() > sure * error else 0.0
