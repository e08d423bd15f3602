"""Would other labels fit the pictures better? Relabel the doubtful ones, and see what is gained.

Wrong labels weaken the answers for all pictures: set right, everything gains. Where classes are merely hard,
there is little to gain. The doubtful ones are found as in confident learning (Northcutt, Jiang, Chuang,
"Confident Learning: Estimating Uncertainty in Dataset Labels", 2021), from answers to left-out pictures.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.ridge_margins import LeftOutRidge

DOUBTFUL = 0.45
"""A picture is relabelled when it is another class by this part of the margin by which the median picture is
its own."""

AS_SURE = 0.75
"""The same, from which a picture is worth a look although the labels as a whole fit."""

CHANCE = 0.2
"""Gain that chance makes of each relabelled picture where there are many classes; of two it makes 1 / 2."""

CLEAN_GAIN = 0.13
"""Gain beyond that, which 99.5 % of clean tasks stay below: docs/gate.md has the share for each size."""

_ROUNDS = 5


@dataclass(frozen=True)
class Relabelling:
    """What became of the labels.

    Attributes:
        labels: the better ones, int [n].
        moved: whether that is another label than was taught, bool [n].
        sure: whether the taught labels alone contradict it surely, bool [n].
        margins: how much stronger each taught class answered than the best other one, [n].
        answers: that other one, int [n].
        gain: of the mean margin, less what relabelling by chance would gain.
        contradicted: the gain is more than clean data show.
    """

    labels: Array
    moved: Array
    sure: Array
    margins: Array
    answers: Array
    gain: float
    contradicted: bool


def relabel(z: Array, truth: Array) -> Relabelling:
    """Relabel doubtful pictures until the labels agree.

    Margins are compared with margins, so that the difficulty of a set does not matter. The answers are those
    of a ridge regression on these pictures alone, for the covariance of the discriminant takes wrong labels
    for spread and hides them.

    Args:
        z: conditioned features, [n, d].
        truth: class of each as taught, int [n], from 0 on without gaps, at least two classes.

    Returns:
        The relabelling.
    """
    ridge = LeftOutRidge.of(z)
    margins, answers = ridge.margins(truth)
    classes = int(truth.max()) + 1
    labels, now, instead = truth, margins, answers
    for _ in range(_ROUNDS):
        doubtful = _below(now, DOUBTFUL)
        better = np.where(doubtful, instead, labels)
        if not doubtful.any() or len(np.unique(better)) < classes:
            break
        labels = better
        now, instead = ridge.margins(labels)
    moved = labels != truth
    # Hard classes can be divided in another way, too, but it takes more relabelling than a fault does.
    gain = float(now.mean() - margins.mean() - moved.mean() * max(CHANCE, 1 / classes))
    return Relabelling(labels, moved, _below(margins, AS_SURE), margins, answers, gain, gain > CLEAN_GAIN)


def _below(margins: Array, part: float) -> Array:
    right = margins[margins > 0]
    below: Array = margins <= (-part * np.median(right) if len(right) else -np.inf)
    return below
