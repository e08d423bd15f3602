"""Solve the default router from the running sums, and choose its settings on held-out pictures.

All settings (shrinkage, prior of the means, temperature, the modules' weight, the OOD threshold) are chosen
on the learner's own cached features, each scored without its block of neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.calibration.conformal import calibrate
from edge_tosca.classifier.calibration.posterior import by_label, refine
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.classifier.lda.blocked_folds import Block, choose_blocks
from edge_tosca.classifier.lda.discriminant import discriminant
from edge_tosca.classifier.lda.leave_block_out import LeaveBlockOut, scores_dtype
from edge_tosca.classifier.lda.mean_shrinkage import score_offsets
from edge_tosca.classifier.lda.part_weight import choose_part_weight
from edge_tosca.classifier.lda.shrinkage_selection import (
    SHRINKAGE_ODDS,
    ShrinkageChoice,
    choose_shrinkage,
    significantly_greater,
)
from edge_tosca.classifier.lda.statistics import Statistics
from edge_tosca.classifier.ood.calibration import fit_ood_calibration
from edge_tosca.classifier.ood.dependence import measure_dependence
from edge_tosca.classifier.ood.detector import OodDetector, held_out_statistics
from edge_tosca.classifier.ood.none_of_these import NoneOfThese
from edge_tosca.classifier.router import PartWeight, Router
from edge_tosca.classifier.shared_means import SharedMeans, share_among_groups
from edge_tosca.features.part_weights import weigh

SAMPLE = 1000
"""About how many cached pictures are held out; spread evenly over the groups."""

SHRINKAGE_SAMPLE = 500
"""About how many of them choose the shrinkage."""

MODULE_WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
"""Candidate weights of the modules' opinion; the one with the least log-loss is kept."""

SURE = 3.0
"""Standard errors by which the modules must lower the held-out loss before their weight is nonzero: the best
of five weights is chosen, and pictures of one series are not independent."""


@dataclass(frozen=True)
class TaskColumns:
    """The columns of a task's groups, and its module's opinion of held-out pictures.

    Attributes:
        columns: the task's groups.
        opinion: log-probabilities, [n, k], rows in the order of groups and pictures; NaN for a picture that
            could not be held out; None for a task of one class, whose module has no opinion.
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
    class_of_group: Array | None = None,
    blocks: Sequence[Block] | None = None,
    none: Sequence[Array] = (),
    widths: Sequence[int] = (),
    references: Array | None = None,
) -> tuple[Router, HeldOut]:
    """Solve the router and choose its settings.

    Args:
        statistics: of all groups.
        cached: normalised features of a group by its index, float32 [n, d].
        label_of_group: index of each group's label.
        tasks: all tasks.
        refused: share of known pictures to call unknown.
        odds: of the shrinkage, see `choose_shrinkage`.
        sure: standard errors by which the modules must lower the loss.
        shrunken: shrink the means of few pictures towards the background.
        class_of_group: class of each group, int [g], 0 .. c - 1. All groups of a class share a mean, unless
            separate means have a significantly lower held-out loss; by default each group is a class.
        blocks: pictures to hold out together, ordered by group; neighbours by default.
        none: normalised features of each lesson of pictures that show none of the classes, float32 [n, d].
        widths: of the features' parts; the weight of all but the first is chosen, too. One part by default.
        references: normalised features of the bundle's reference pictures, float32 [r, d]; None where it has
            none.

    Returns:
        The router, and the held-out answers that its settings were chosen by.
    """
    part_weight, labels, first_part = None, np.asarray(label_of_group), cached
    if len(widths) > 1:
        part_weight = choose_part_weight(statistics.counts, cached, labels, widths)
        statistics = statistics.weighted(widths, part_weight)
        first_part = _weighted(cached, widths, 0)
        cached = _weighted(cached, widths, part_weight)
        none = [weigh(rows, widths, part_weight) for rows in none]
        references = None if references is None else weigh(references, widths, part_weight)
    counts, sums = statistics.counts, statistics.sums
    if blocks is None:
        # All pictures of the newest task are held out, however many others there are.
        blocks = choose_blocks(counts, SAMPLE, tasks[-1].columns)
    groups = np.repeat([block.group for block in blocks], [len(block.rows) for block in blocks]).astype(int)
    rows = np.concatenate([np.zeros(0, int), *(block.rows for block in blocks)])
    z = np.empty((len(rows), sums.shape[1]), np.float32)
    ends = np.cumsum([len(block.rows) for block in blocks]).tolist()
    for block, end in zip(blocks, ends, strict=True):
        z[end - len(block.rows) : end] = cached(block.group)[block.rows]
    choose = partial(_choose, z, tuple(blocks), labels, odds, shrunken)
    choice, pooled = choose(statistics, np.arange(len(counts))), None
    if class_of_group is not None and len(set(class_of_group.tolist())) < len(class_of_group):
        # The groups of one class differ by domain, which is no evidence of a class. With a mean for each
        # group, every picture from a domain looks like the classes that were taught in it.
        pooled = choose(statistics.pooled(class_of_group), class_of_group)
        if significantly_greater(pooled.losses, choice.losses):
            pooled = None
    temperature, held_out = choice.temperature, choice.held_out
    log_posterior = log_softmax(temperature * held_out.scores)
    if pooled is not None and class_of_group is not None:
        temperature = pooled.temperature
        log_posterior = share_among_groups(log_softmax(temperature * pooled.held_out.scores), class_of_group)
    opinions = [_held_out_opinion(task, counts, groups, rows) for task in tasks]
    weight = _module_weight(log_posterior, groups, tasks, opinions, sure)
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        log_posterior[index, task.columns] = refine(log_posterior[index], task.columns, opinion, weight)

    # OOD detection compares with the groups, not the classes: a domain taught by a few pictures is known.
    known = held_out_statistics(z, blocks, held_out.nearest, held_out.relative_mahalanobis, sums, counts)
    posterior = by_label(log_posterior, labels, int(labels.max()) + 1)
    weights, offsets = _shrunken_means(choice, counts)
    solved = discriminant(choice.inverse, choice.means)
    refuses = NoneOfThese.of(choice.inverse, choice.means, none) if none else None
    # By the means of all pictures: leaving a block out would move the border by little.
    refused_by_none = None if refuses is None else refuses.excess(z, solved.background_margins(z)) > 0
    del choose, z
    calibration = fit_ood_calibration(known, refused, len(counts))
    detector = OodDetector.of(solved, sums, counts, choice.prior.mean_noise(counts), calibration)
    router = Router(
        None if pooled is None or class_of_group is None else _shared_means(pooled, class_of_group, counts),
        solved,
        weights,
        offsets,
        temperature,
        weight,
        detector.with_evidence(
            known, references, refused, partial(measure_dependence, len(counts), first_part)
        ),
        choice.shrinkage,
        calibrate(posterior, labels[groups]),
        refuses,
        None if part_weight is None else PartWeight(tuple(widths), part_weight),
    )
    return router, HeldOut(groups, rows, posterior, known, refused_by_none)


def _weighted(cached: Callable[[int], Array], widths: Sequence[int], weight: float) -> Callable[[int], Array]:
    return lambda group: weigh(cached(group), widths, weight)


def _choose(
    z: Array,
    blocks: tuple[Block, ...],
    labels: Array,
    odds: Sequence[float],
    shrunken: bool,
    statistics: Statistics,
    class_of_group: Array,
) -> ShrinkageChoice:
    """Choose the shrinkage for the classes that `statistics` has the sums of."""
    counts, sums = statistics.counts, statistics.sums
    dtype = scores_dtype(counts, sums.shape[1])
    of_classes = tuple(Block(int(class_of_group[block.group]), block.rows) for block in blocks)
    held_out = LeaveBlockOut.of(z, of_classes, sums, counts, dtype)
    label_of_class = np.empty(len(counts), int)
    label_of_class[class_of_group] = labels
    return choose_shrinkage(statistics.within(), held_out, label_of_class, odds, SHRINKAGE_SAMPLE, shrunken)


def _shared_means(choice: ShrinkageChoice, class_of_group: Array, counts: Array) -> SharedMeans:
    weights, offsets = _shrunken_means(choice, np.bincount(class_of_group, counts))
    solved = discriminant(choice.inverse, choice.means)
    return SharedMeans(class_of_group.astype(np.int32), solved, weights, offsets)


def _shrunken_means(choice: ShrinkageChoice, counts: Array) -> tuple[Array, Array]:
    """Compute the weights and score offsets of all means, float32 [g] each."""
    squares = choice.inverse.paired_products(choice.means, choice.means)
    to_background = choice.inverse.inner_products(choice.means[-1:], choice.means)[0]
    norms = (squares - 2 * to_background + squares[-1])[:-1]
    weights = choice.prior.mean_weights(counts)
    return weights.astype(np.float32), score_offsets(norms, weights).astype(np.float32)


def _held_out_opinion(task: TaskColumns, counts: Array, groups: Array, rows: Array) -> tuple[Array, Array]:
    """Return the places of the sampled pictures that a task's module has an opinion of, and the opinions."""
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

    The weight is nonzero only where the mean gain exceeds `sure` standard errors over the pictures.
    """
    gains = [np.zeros((len(MODULE_WEIGHTS), 0))]
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        truth, every = groups[index] - task.columns.start, np.arange(len(index))
        inside = log_posterior[index, task.columns]
        if len(index):
            refined = [log_softmax(inside + weight * opinion)[every, truth] for weight in MODULE_WEIGHTS]
            gains.append(np.stack(refined) - log_softmax(inside)[every, truth])
    gain = np.concatenate(gains, axis=1)
    if gain.shape[1] < 2:
        return 0.0
    best = int(gain.mean(axis=1).argmax())
    error = gain[best].std(ddof=1) / np.sqrt(gain.shape[1])
    return MODULE_WEIGHTS[best] if gain[best].mean() > sure * error else 0.0
