"""Judge the kernel vote on held-out pictures, one by one and by block: a series gains or loses as one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.evidence_sample import WEIGHTS, Sample, TaskColumns
from edge_tosca.classifier.kernel_vote import SHARPNESS, KernelVote, VoteWeight, may_vote
from edge_tosca.classifier.lda.blocked_folds import folds_of

SURE_BY_BLOCK = 2.0
"""Standard errors over the blocks by which the vote must lower the held-out loss and the held-out errors.
Pictures of one series gain or lose together: by picture, the vote passed at 6.7 where it cost 8 points on
pictures from elsewhere, by block at 1.3. And a lower loss alone is what a better temperature gives, too."""

JUDGED = 8
"""Tasks whose held-out pictures judge the vote, the newest and an even sample of the others: each has to read
its pictures."""


@dataclass(frozen=True)
class VoteTrial:
    """What the best weight and sharpness of the vote gain on held-out pictures.

    Attributes:
        vote: weight and sharpness.
        index: places of the pictures in the sample, int [m].
        blocks: number of the block of each, int [m].
        gains: in the log-probability of the true group, [m].
        fewer_errors: 1 where an error is mended, -1 where one is made, int [m].
    """

    vote: VoteWeight
    index: Array
    blocks: Array
    gains: Array
    fewer_errors: Array

    def passes(self, sure: float) -> bool:
        """Return whether the vote is sure to help.

        Args:
            sure: standard errors over the pictures by which the held-out loss must fall.
        """
        by_picture, by_block, errors_by_block = self.standard_errors
        return by_picture > sure and by_block > SURE_BY_BLOCK and errors_by_block > SURE_BY_BLOCK

    @property
    def standard_errors(self) -> tuple[float, float, float]:
        """Mean gain over its standard error by picture and by block, and that of fewer errors by block."""
        by_picture = self.gains.std(ddof=1) / np.sqrt(len(self.gains))
        values = (self.gains, by_picture), (self.gains, _error_by_block(self.gains, self.blocks))
        errors = self.fewer_errors, _error_by_block(self.fewer_errors, self.blocks)
        first, second, third = (
            float(more.mean() / error) if error > 0 else 0.0 for more, error in (*values, errors)
        )
        return first, second, third


def judge_vote(
    sample: Sample, cached: Callable[[int], Array], counts: Array, tasks: Sequence[TaskColumns]
) -> VoteTrial | None:
    """Find the weight and sharpness of the kernel vote with the least held-out loss.

    Args:
        sample: held-out pictures.
        cached: features of a group as the router reads them, float32 [n, d].
        counts: pictures of each group, int [g].
        tasks: all tasks.

    Returns:
        What they gain; None where no pictures vote, or all that could be held out are of one block.
    """
    voting = voting_tasks(tasks, counts)
    # The newest one, and others evenly.
    judged = voting[:-1][:: max(1, -(-len(voting) // JUDGED))] + voting[-1:]
    found = [(columns, *held_out_votes(sample, cached, counts, columns)) for columns in judged]
    index = np.concatenate([np.zeros(0, int), *(places for _, places, _ in found)])
    blocks = sample.blocks[index]
    if len(np.unique(blocks)) < 2:
        return None
    gains = np.concatenate(
        [
            np.concatenate([sample.gains(places, columns, vote, WEIGHTS[1:]) for vote in votes])
            for columns, places, votes in found
        ],
        axis=1,
    )
    best = int(gains.mean(axis=1).argmax())
    which, weight = divmod(best, len(WEIGHTS) - 1)
    fewer_errors = [
        sample.fewer_errors(places, columns, votes[which], WEIGHTS[1 + weight])
        for columns, places, votes in found
    ]
    vote = VoteWeight(WEIGHTS[1 + weight], SHARPNESS[which])
    return VoteTrial(vote, index, blocks, gains[best], np.concatenate(fewer_errors))


def voting_tasks(tasks: Sequence[TaskColumns], counts: Array) -> list[slice]:
    """Return the columns of the tasks whose pictures vote.

    Args:
        tasks: all tasks.
        counts: pictures of each group, int [g].
    """
    return [task.columns for task in tasks if task.votes and may_vote(counts[task.columns])]


def held_out_votes(
    sample: Sample, cached: Callable[[int], Array], counts: Array, columns: slice
) -> tuple[Array, Array]:
    """Vote on the held-out pictures of a task.

    Args:
        sample: held-out pictures of all tasks.
        cached: features of a group as the router reads them, float32 [n, d].
        counts: pictures of each group, int [g].
        columns: the task's groups.

    Returns:
        The places of its pictures in the sample, int [m], and the opinions, [len(SHARPNESS), m, k].
    """
    index = sample.of_task(columns)
    if not len(index):
        return index, np.zeros((len(SHARPNESS), 0, columns.stop - columns.start))
    vote = KernelVote.of(lambda place: cached(columns.start + place), counts[columns].tolist())
    folds = np.concatenate([np.zeros(0, int), *map(folds_of, counts[columns].tolist())])
    starts = np.cumsum(counts[columns]) - counts[columns]
    inside = sample.groups[index] - columns.start
    return index, vote.held_out_opinions(sample.z[index], inside, folds[starts[inside] + sample.rows[index]])


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
