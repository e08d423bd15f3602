"""Weigh what competes beside the discriminant inside a task: its module, or the vote of its pictures.

Both are judged on the same held-out pictures, by how much more probable they make the true groups inside
their tasks. The one with the greater gain gets the weight if it passes its test; if none does, the router
decides.
"""

from collections.abc import Callable, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.calibration.posterior import refine
from edge_tosca.classifier.evidence_gain import HeldOutGain
from edge_tosca.classifier.evidence_sample import WEIGHTS, Sample, TaskColumns
from edge_tosca.classifier.kernel_vote import SHARPNESS, VoteWeight
from edge_tosca.classifier.vote_trial import held_out_votes, judge_vote, voting_tasks


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
    strict = bool(voting_tasks(tasks, counts))
    weight, gain = _module_weight(sample, tasks, opinions, sure, strict)
    trial = judge_vote(sample, cached, counts, tasks)
    if trial is None or not trial.gain.passes(sure) or trial.gain.gains.mean() <= gain[trial.index].mean():
        for task, (index, opinion) in zip(tasks, opinions, strict=True):
            sample.log_posterior[index, task.columns] = refine(
                sample.log_posterior[index], task.columns, opinion, weight
            )
        return weight, None
    vote = trial.vote
    place = SHARPNESS.index(vote.sharpness)
    for columns in voting_tasks(tasks, counts):
        index, votes = held_out_votes(sample, cached, counts, columns)
        sample.log_posterior[index, columns] = refine(
            sample.log_posterior[index], columns, votes[place], vote.weight
        )
    return 0.0, vote


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
    sample: Sample,
    tasks: Sequence[TaskColumns],
    opinions: Sequence[tuple[Array, Array]],
    sure: float,
    strict: bool,
) -> tuple[float, Array]:
    """Choose the modules' weight, and return it with what each held-out picture gains by it, [n].

    The weight is nonzero only where the gain passes its test.
    """
    shown = [(task.columns, *found) for task, found in zip(tasks, opinions, strict=True) if len(found[0])]
    every = np.zeros(len(sample.groups))
    if not shown:
        return 0.0, every
    gains = np.concatenate(
        [sample.gains(index, columns, opinion, WEIGHTS) for columns, index, opinion in shown], axis=1
    )
    best, index = int(gains.mean(axis=1).argmax()), np.concatenate([index for _, index, _ in shown])
    fewer_errors = [
        sample.fewer_errors(index, columns, opinion, WEIGHTS[best]) for columns, index, opinion in shown
    ]
    gain = HeldOutGain(sample.blocks[index], gains[best], np.concatenate(fewer_errors))
    if not gain.passes(sure, by_block=strict):
        return 0.0, every
    every[index] = gains[best]
    return WEIGHTS[best], every
