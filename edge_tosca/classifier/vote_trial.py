"""Judge the kernel vote on held-out pictures and find its best weight and sharpness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.evidence_gain import HeldOutGain
from edge_tosca.classifier.evidence_sample import WEIGHTS, Sample, TaskColumns
from edge_tosca.classifier.kernel_vote import SHARPNESS, KernelVote, VoteWeight, may_vote
from edge_tosca.classifier.lda.blocked_folds import folds_of

JUDGED = 8
"""Tasks whose held-out pictures judge the vote, the newest and an even sample of the others: each has to read
its pictures."""


@dataclass(frozen=True)
class VoteTrial:
    """The best weight and sharpness of the vote on held-out pictures.

    Attributes:
        vote: weight and sharpness.
        index: places of the pictures in the sample, int [m].
        gain: what they gain.
    """

    vote: VoteWeight
    index: Array
    gain: HeldOutGain


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
    return VoteTrial(vote, index, HeldOutGain(blocks, gains[best], np.concatenate(fewer_errors)))


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
