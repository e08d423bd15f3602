"""Weigh what competes beside the discriminant inside a task: its module, or the vote of its pictures.

Both are judged on the same held-out pictures, by how much more probable they make the true groups inside
their tasks. The one with the greater gain gets the weight if it passes its test; if none does, the router
decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.calibration.posterior import refine
from edge_tosca.classifier.kernel_vote import SHARPNESS, KernelVote, VoteWeight, may_vote
from edge_tosca.classifier.lda.blocked_folds import folds_of

WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
"""Candidate weights of an opinion; the one with the least log-loss is kept."""

SURE = 3.0
"""Standard errors over the pictures by which an opinion must lower the held-out loss before its weight is
nonzero: the best of five weights is chosen, and pictures of one series are not independent."""

SURE_BY_BLOCK = 2.0
"""Standard errors over the blocks by which the vote must lower the held-out loss and the held-out errors.
Pictures of one series gain or lose together: by picture, the vote passed at 6.7 where it cost 8 points on
pictures from elsewhere, by block at 1.3. And a lower loss alone is what a better temperature gives, too."""

JUDGED = 8
"""Tasks whose held-out pictures judge the vote, the newest and an even sample of the others: each has to read
its pictures."""


@dataclass(frozen=True)
class TaskColumns:
    """The columns of a task's groups, and its module's opinion of held-out pictures.

    Attributes:
        columns: the task's groups.
        opinion: log-probabilities, [n, k], rows in the order of groups and pictures; NaN for a picture that
            could not be held out; None for a task of one class, whose module has no opinion.
        votes: whether its pictures vote if there are enough of them.
    """

    columns: slice
    opinion: Array | None
    votes: bool = False


@dataclass(frozen=True)
class Sample:
    """Held-out pictures.

    Attributes:
        log_posterior: the router's log-probabilities of the groups, [n, g].
        z: features as the router reads them, float32 [n, d].
        groups: true group of each picture, int [n].
        rows: place of each in its group, int [n].
        blocks: number of the block of each, int [n].
    """

    log_posterior: Array
    z: Array
    groups: Array
    rows: Array
    blocks: Array

    def of_task(self, columns: slice) -> Array:
        """Return the places of a task's pictures, int [m]."""
        return np.flatnonzero((self.groups >= columns.start) & (self.groups < columns.stop))

    def gains(self, index: Array, columns: slice, opinion: Array, weights: Sequence[float]) -> Array:
        """Compute by how much an opinion raises the log-probability of the true group inside its task.

        Args:
            index: places of the pictures, int [m].
            columns: the task's groups.
            opinion: of these pictures, [m, k].
            weights: of the opinion.

        Returns:
            [weights, m].
        """
        truth, every = self.groups[index] - columns.start, np.arange(len(index))
        inside = self.log_posterior[index, columns]
        refined = [log_softmax(inside + weight * opinion)[every, truth] for weight in weights]
        gains: Array = np.stack(refined) - log_softmax(inside)[every, truth]
        return gains


def refine_held_out(
    sample: Sample, cached: Callable[[int], Array], counts: Array, tasks: Sequence[TaskColumns], sure: float
) -> tuple[float, VoteWeight | None]:
    """Choose what refines the router's answers, and refine those to the held-out pictures.

    Args:
        sample: its log-probabilities are changed in place.
        cached: features of a group as the router reads them, float32 [n, d].
        counts: pictures of each group, int [g].
        tasks: all tasks.
        sure: standard errors over the pictures by which the held-out loss must fall.

    Returns:
        The modules' weight, and what is kept of the vote; at most one of them is not zero or None.
    """
    opinions = [_module_opinion(task, counts, sample) for task in tasks]
    weight, gain = _module_weight(sample, tasks, opinions, sure)
    vote = choose_vote(sample, cached, counts, tasks, sure, gain)
    if vote is None:
        for task, (index, opinion) in zip(tasks, opinions, strict=True):
            sample.log_posterior[index, task.columns] = refine(
                sample.log_posterior[index], task.columns, opinion, weight
            )
        return weight, None
    place = SHARPNESS.index(vote.sharpness)
    for columns in _voting(tasks, counts):
        index, votes = _held_out_votes(sample, cached, counts, columns)
        sample.log_posterior[index, columns] = refine(
            sample.log_posterior[index], columns, votes[place], vote.weight
        )
    return 0.0, vote


def choose_vote(
    sample: Sample,
    cached: Callable[[int], Array],
    counts: Array,
    tasks: Sequence[TaskColumns],
    sure: float,
    rival: Array,
) -> VoteWeight | None:
    """Choose weight and sharpness of the kernel vote.

    Args:
        sample: held-out pictures.
        cached: features of a group, float32 [n, d].
        counts: pictures of each group, int [g].
        tasks: all tasks.
        sure: standard errors over the pictures by which the held-out loss must fall.
        rival: gain of each held-out picture by the modules, [n]; the vote must exceed it.

    Returns:
        None where the vote is not sure to help.
    """
    voting = _voting(tasks, counts)
    # The newest one, and others evenly.
    judged = voting[:-1][:: max(1, -(-len(voting) // JUDGED))] + voting[-1:]
    candidates = [(sharpness, weight) for sharpness in SHARPNESS for weight in WEIGHTS[1:]]
    gains, fewer_errors = [np.zeros((len(candidates), 0))], [np.zeros((len(candidates), 0))]
    places = [np.zeros(0, int)]
    for columns in judged:
        index, votes = _held_out_votes(sample, cached, counts, columns)
        gains.append(np.concatenate([sample.gains(index, columns, vote, WEIGHTS[1:]) for vote in votes]))
        truth, inside = sample.groups[index] - columns.start, sample.log_posterior[index, columns]
        hits = [(inside + weight * vote).argmax(axis=1) == truth for vote in votes for weight in WEIGHTS[1:]]
        fewer_errors.append(np.stack(hits).astype(float) - (inside.argmax(axis=1) == truth))
        places.append(index)
    gain, index = np.concatenate(gains, axis=1), np.concatenate(places)
    blocks = sample.blocks[index]
    if len(np.unique(blocks)) < 2:
        return None
    best = int(gain.mean(axis=1).argmax())
    if not _passes(gain[best], sure) or gain[best].mean() <= rival[index].mean():
        return None
    for more in (gain[best], np.concatenate(fewer_errors, axis=1)[best]):
        if not more.mean() > SURE_BY_BLOCK * _error_by_block(more, blocks):
            return None
    sharpness, weight = candidates[best]
    return VoteWeight(weight, sharpness)


def _voting(tasks: Sequence[TaskColumns], counts: Array) -> list[slice]:
    return [task.columns for task in tasks if task.votes and may_vote(counts[task.columns])]


def _held_out_votes(
    sample: Sample, cached: Callable[[int], Array], counts: Array, columns: slice
) -> tuple[Array, Array]:
    """Return the places of a task's held-out pictures, and the votes on them, [sharpness, m, k]."""
    index = sample.of_task(columns)
    vote = KernelVote.of(lambda place: cached(columns.start + place), counts[columns].tolist())
    folds = np.concatenate([np.zeros(0, int), *map(folds_of, counts[columns].tolist())])
    starts = np.cumsum(counts[columns]) - counts[columns]
    inside = sample.groups[index] - columns.start
    return index, vote.held_out_opinions(sample.z[index], inside, folds[starts[inside] + sample.rows[index]])


def _module_opinion(task: TaskColumns, counts: Array, sample: Sample) -> tuple[Array, Array]:
    """Return the places of the sampled pictures that a task's module has an opinion of, and the opinions."""
    if task.opinion is None:
        return np.zeros(0, int), np.zeros((0, task.columns.stop - task.columns.start))
    offsets = np.cumsum(counts) - counts
    index = sample.of_task(task.columns)
    places = offsets[sample.groups[index]] - offsets[task.columns.start] + sample.rows[index]
    opinion = task.opinion[places]
    known = ~np.isnan(opinion).any(axis=1)
    return index[known], opinion[known]


def _module_weight(
    sample: Sample, tasks: Sequence[TaskColumns], opinions: Sequence[tuple[Array, Array]], sure: float
) -> tuple[float, Array]:
    """Choose the modules' weight, and return it with what each held-out picture gains by it, [n].

    The weight is nonzero only where the mean gain exceeds `sure` standard errors over the pictures.
    """
    gains, places = [np.zeros((len(WEIGHTS), 0))], [np.zeros(0, int)]
    for task, (index, opinion) in zip(tasks, opinions, strict=True):
        if len(index):
            gains.append(sample.gains(index, task.columns, opinion, WEIGHTS))
            places.append(index)
    gain, every = np.concatenate(gains, axis=1), np.zeros(len(sample.groups))
    best = int(gain.mean(axis=1).argmax()) if gain.shape[1] else 0
    if not _passes(gain[best], sure):
        return 0.0, every
    every[np.concatenate(places)] = gain[best]
    return WEIGHTS[best], every


def _passes(gain: Array, sure: float) -> bool:
    if len(gain) < 2:
        return False
    return bool(gain.mean() > sure * gain.std(ddof=1) / np.sqrt(len(gain)))


def _error_by_block(values: Array, blocks: Array) -> float:
    """Compute the standard error of a mean of pictures whose blocks are independent.

    Source: Cameron and Miller, "A Practitioner's Guide to Cluster-Robust Inference", 2015, section II.A, for
    a constant alone.

    Args:
        values: [n].
        blocks: number of each one's block, int [n].

    Returns:
        The standard error; blocks of any sizes, at least two.
    """
    _, block = np.unique(blocks, return_inverse=True)
    sums = np.bincount(block, values - values.mean())
    return float(np.sqrt((sums**2).sum() * len(sums) / (len(sums) - 1)) / len(values))
