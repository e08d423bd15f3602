"""The default router is solved from the running sums, and its settings are chosen on left-out pictures.

All settings (shrinkage, prior of the means, temperature, the modules' weight, the threshold for unknowns) are
chosen on the learner's own cached features, each scored as if its block of neighbours had not been seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.calibration.conformal import calibrate
from edge_tosca.classifier.calibration.posterior import by_label, refine
from edge_tosca.classifier.held_out import LeftOut
from edge_tosca.classifier.lda.blocked_folds import Block, choose_blocks
from edge_tosca.classifier.lda.discriminant import discriminant
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut, scores_dtype
from edge_tosca.classifier.lda.mean_shrinkage import shift
from edge_tosca.classifier.lda.shrinkage_selection import (
    SHRINKAGE_ODDS,
    Choice,
    choose_shrinkage,
    surely_more,
)
from edge_tosca.classifier.lda.statistics import Statistics
from edge_tosca.classifier.ood.detector import fit_familiarity, left_out_signs, lengths
from edge_tosca.classifier.router import Router, in_steps
from edge_tosca.classifier.shared_means import Joined, of_groups

SAMPLE = 1000
"""About how many cached pictures are left out to judge by; spread evenly over the groups."""

JUDGES = 500
"""About how many of them choose the shrinkage."""

MODULE_WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
"""Weights of the modules' opinion; the most truthful is kept."""

SURE = 3.0
"""Standard errors by which the modules must help on left-out pictures before they are heard: the best of five
weights is chosen, and pictures of one series are not independent."""

_FLOOR = 1e-6


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


def fit_router(
    statistics: Statistics,
    cached: Callable[[int], Array],
    label_of_group: Sequence[int] | Array,
    tasks: Sequence[TaskColumns],
    refused: float,
    *,
    odds: Sequence[float] = SHRINKAGE_ODDS,
    sure: float = SURE,
    shrunken: bool = True,
    things: Array | None = None,
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
        shrunken: draw the means of few pictures towards the background.
        things: what each group was taught as, int [g], 0 .. t - 1. All lessons of a thing have one mean,
            unless means of their own are surely more truthful; each group is a thing of its own by default.
        blocks: what to leave out together, ordered by group; neighbours by default.

    Returns:
        The router, and the answers to left-out pictures that it was chosen by.
    """
    counts, sums, labels = statistics.counts, statistics.sums, np.asarray(label_of_group)
    if blocks is None:
        # The newest task is judged on all its pictures, however many there are of others.
        blocks = choose_blocks(counts, SAMPLE, tasks[-1].columns)
    groups = np.repeat([block.group for block in blocks], [len(block.rows) for block in blocks]).astype(int)
    rows = np.concatenate([np.zeros(0, int), *(block.rows for block in blocks)])
    z = np.empty((len(rows), sums.shape[1]), np.float32)
    ends = np.cumsum([len(block.rows) for block in blocks]).tolist()
    for block, end in zip(blocks, ends, strict=True):
        z[end - len(block.rows) : end] = cached(block.group)[block.rows]
    choose = partial(_choose, z, tuple(blocks), labels, odds, shrunken)
    choice, together = choose(statistics, np.arange(len(counts))), None
    if things is not None and len(set(things.tolist())) < len(things):
        # Lessons of one thing differ by surroundings, which tell nothing of what a picture shows. With a mean
        # for each, whatever is photographed in the new ones looks like the classes that were taught there.
        together = choose(statistics.joined(things), things)
        if surely_more(together.losses, choice.losses):
            together = None
    temperature, judged = choice.temperature, choice.judged
    log_posterior = log_softmax(temperature * judged.scores)
    if together is not None and things is not None:
        temperature = together.temperature
        log_posterior = of_groups(log_softmax(temperature * together.judged.scores), things)
    opinions = [_held_out(task, counts, groups, rows) for task in tasks]
    weight = _module_weight(log_posterior, groups, tasks, opinions, sure)
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        log_posterior[index, task.columns] = refine(log_posterior[index], task.columns, opinion, weight)

    # Familiarity keeps to the groups: what is known of a place by a few pictures is known.
    known = left_out_signs(z, blocks, judged.nearest, judged.kinship, sums, counts)
    posterior = by_label(log_posterior, labels, int(labels.max()) + 1)
    del choose, z
    worth, added = _trust(choice, counts)
    means, background = sums / counts[:, None], sums.sum(axis=0) / counts.sum()
    router = Router(
        None if together is None or things is None else _joined(together, things, counts),
        discriminant(choice.inverse, choice.means),
        worth,
        added,
        choice.prior.relief(counts).astype(np.float32),
        *in_steps(means - background),
        np.maximum(lengths(means), _FLOOR).astype(np.float32),
        background.astype(np.float32),
        temperature,
        weight,
        fit_familiarity(known, refused, len(counts)),
        choice.shrinkage,
        calibrate(posterior, labels[groups]),
    )
    return router, LeftOut(groups, rows, posterior, known)


def _choose(
    z: Array,
    blocks: tuple[Block, ...],
    labels: Array,
    odds: Sequence[float],
    shrunken: bool,
    statistics: Statistics,
    units: Array,
) -> Choice:
    """Choose the shrinkage where `statistics` are those of units, and `units` tells each group's."""
    counts, sums = statistics.counts, statistics.sums
    dtype = scores_dtype(counts, sums.shape[1])
    of_units = tuple(Block(int(units[block.group]), block.rows) for block in blocks)
    left_out = LeaveBlockOut.of(z, of_units, sums, counts, dtype)
    label_of_unit = np.empty(len(counts), int)
    label_of_unit[units] = labels
    return choose_shrinkage(statistics.within(), left_out, label_of_unit, odds, JUDGES, shrunken)


def _joined(choice: Choice, things: Array, counts: Array) -> Joined:
    worth, added = _trust(choice, np.bincount(things, counts))
    return Joined(things.astype(np.int32), discriminant(choice.inverse, choice.means), worth, added)


def _trust(choice: Choice, counts: Array) -> tuple[Array, Array]:
    """Give `worth` and `shift` of every mean, float32 each."""
    squares = choice.inverse.along(choice.means, choice.means)
    to_background = choice.inverse.between(choice.means[-1:], choice.means)[0]
    norms = (squares - 2 * to_background + squares[-1])[:-1]
    worth = choice.prior.worth(counts)
    return worth.astype(np.float32), shift(norms, worth).astype(np.float32)


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
