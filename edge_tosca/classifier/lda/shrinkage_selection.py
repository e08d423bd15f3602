"""The choice of the shrinkage, by pictures that were left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.calibration.temperature import best_temperature, label_losses, modest_temperature
from edge_tosca.classifier.lda.discriminant import oas_shrinkage, precision
from edge_tosca.classifier.lda.leave_block_out import HeldOutResult, LeaveBlockOut
from edge_tosca.classifier.lda.mean_shrinkage import PLAIN, Prior
from edge_tosca.classifier.lda.scatter import Inverse, Projected, Scatter

SHRINKAGE_ODDS = (10.0, 3.0, 1.0)
"""Factors on the odds of the oracle-approximating shrinkage, in the order in which they are tried. Blocks of
neighbours ask for more shrinkage than it, which takes pictures for independent."""

SURELY = 2.0
"""Standard errors of the paired difference that make one shrinkage surely worse than another."""


@dataclass(frozen=True)
class ShrinkageChoice:
    """The most truthful shrinkage.

    Attributes:
        shrinkage: rho.
        inverse: P made with it.
        means: of the groups, the background's below them, under P.
        prior: of the groups' means.
        temperature: factor on the scores that makes their softmax most truthful, within what the pictures
            can vouch for.
        judged: the left-out pictures.
        losses: minus the log-probabilities of the labels of those that chose, [n].
    """

    shrinkage: float
    inverse: Inverse
    means: Projected
    prior: Prior
    temperature: float
    judged: HeldOutResult
    losses: Array


def surely_more(losses: Array, others: Array) -> bool:
    """Tell whether losses are greater than others of the same pictures, by SURELY standard errors.

    Args:
        losses: [n].
        others: [n].

    Returns:
        False where there is no picture.
    """
    more = losses - others
    return len(more) > 0 and bool(more.mean() > SURELY * more.std() / np.sqrt(len(more)))


def choose_shrinkage(
    within: Scatter,
    left_out: LeaveBlockOut,
    labels: Sequence[int] | Array,
    odds: Sequence[float] = SHRINKAGE_ODDS,
    judges: int | None = None,
    shrunken: bool = True,
) -> ShrinkageChoice:
    """Choose the shrinkage by left-out pictures: the greatest, unless a smaller one is surely more truthful.

    Heavier shrinkage holds better where pictures come from new surroundings, which left-out blocks cannot
    show. A rule of standard errors (Breiman and others, "Classification and Regression Trees", 1984, section
    3.4.3), here of paired differences, keeps chance from taking it away.

    Args:
        within: W.
        left_out: pictures to judge by.
        labels: label of each group; a class in several surroundings has several groups.
        odds: factors to choose from, decreasing.
        judges: about how many of the pictures choose, where time is short; all by default.
        shrunken: draw the means of few pictures towards the background.

    Returns:
        The choice, of these factors on the odds of the oracle-approximating shrinkage.
    """
    n, dtype = int(left_out.counts.sum()), left_out.z.dtype
    of = np.asarray(labels)
    some = left_out if judges is None else left_out.some(judges)
    truth = of[some.groups][:, None] == of
    base = oas_shrinkage(within, n)
    best: tuple[Array, float, Inverse, Projected, Prior] | None = None
    for factor in odds:
        shrinkage = factor * base / (1 - base + factor * base)
        inverse = precision(within, n, shrinkage, dtype)
        means = inverse.project(left_out.means, dtype)
        compared = some.compare(inverse, means, shrinkage)
        prior = compared.prior() if shrunken else PLAIN
        scores = compared.scores(prior)
        losses = label_losses(best_temperature(scores, truth)[0] * scores, truth)
        if best is not None and not surely_more(best[0], losses):
            break
        best = losses, shrinkage, inverse, means, prior
    if best is None:
        raise ValueError("there is no shrinkage to choose from")
    losses, shrinkage, inverse, means, prior = best
    judged = left_out.judge(inverse, means, shrinkage, prior)
    truth = of[left_out.groups][:, None] == of
    temperature, _ = best_temperature(judged.scores, truth)
    modest = modest_temperature(temperature, judged.scores, truth)
    return ShrinkageChoice(shrinkage, inverse, means, prior, modest, judged, losses)
