"""Choose the shrinkage rho of the covariance by the log-loss of held-out pictures.

The candidates are multiples of the odds rho / (1 - rho) of `oas_shrinkage`. The largest is kept, unless a
smaller one has a significantly lower loss: a rule of standard errors (Breiman and others, "Classification and
Regression Trees", 1984, section 3.4.3), here of paired differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.calibration.temperature import best_temperature, bounded_temperature, label_losses
from edge_tosca.classifier.lda.discriminant import oas_shrinkage, precision
from edge_tosca.classifier.lda.leave_block_out import HeldOutResult, LeaveBlockOut
from edge_tosca.classifier.lda.mean_shrinkage import FLAT_PRIOR, Prior
from edge_tosca.classifier.lda.scatter import Inverse, Projected, Scatter

SHRINKAGE_ODDS = (10.0, 3.0, 1.0)
"""Factors on the odds of the OAS shrinkage, in the order in which they are tried. OAS assumes independent
pictures; series of similar pictures need more shrinkage."""

STANDARD_ERRORS = 2.0
"""Standard errors of the mean paired difference from which on it is significant."""


@dataclass(frozen=True)
class ShrinkageChoice:
    """The chosen shrinkage, and what was computed with it.

    Attributes:
        shrinkage: rho.
        inverse: P.
        means: of the groups, the background's below them, projected by P.
        prior: of the groups' means.
        temperature: factor on the scores, see `bounded_temperature`.
        held_out: scores and OOD statistics of the held-out pictures.
        losses: minus the log-probabilities of the labels of those that chose, [n].
    """

    shrinkage: float
    inverse: Inverse
    means: Projected
    prior: Prior
    temperature: float
    held_out: HeldOutResult
    losses: Array


def significantly_greater(losses: Array, others: Array) -> bool:
    """Compare the losses of the same pictures, by STANDARD_ERRORS of their paired difference.

    Args:
        losses: [n].
        others: [n].

    Returns:
        Whether `losses` are significantly greater; False without pictures.
    """
    more = losses - others
    return len(more) > 0 and bool(more.mean() > STANDARD_ERRORS * more.std() / np.sqrt(len(more)))


def held_out_losses(
    held_out: LeaveBlockOut,
    inverse: Inverse,
    means: Projected,
    shrinkage: float,
    truth: Array,
    shrunken: bool = True,
) -> tuple[Array, Prior]:
    """Compute the losses of held-out pictures at their best temperature.

    Args:
        held_out: the pictures.
        inverse: P of all pictures.
        means: of the groups and the background, projected by it.
        shrinkage: rho of P.
        truth: groups that have a picture's label, bool [n, g].
        shrunken: shrink the means of few pictures towards the background.

    Returns:
        Minus the log-probability of each picture's label, [n], and the prior of the means.
    """
    plain = held_out.score(inverse, means, shrinkage)
    prior = plain.prior() if shrunken else FLAT_PRIOR
    scores = plain.scores(prior)
    return label_losses(best_temperature(scores, truth)[0] * scores, truth), prior


def choose_shrinkage(
    within: Scatter,
    held_out: LeaveBlockOut,
    labels: Sequence[int] | Array,
    odds: Sequence[float] = SHRINKAGE_ODDS,
    most: int | None = None,
    shrunken: bool = True,
) -> ShrinkageChoice:
    """Choose the largest shrinkage, unless a smaller one has a significantly lower held-out loss.

    More shrinkage generalises better to pictures from new domains, which held-out blocks cannot show.

    Args:
        within: W.
        held_out: pictures to choose by.
        labels: label of each group; a class that was taught in several domains has several groups.
        odds: factors on the odds of the OAS shrinkage, decreasing.
        most: about how many of the pictures choose, where time is short; all by default.
        shrunken: shrink the means of few pictures towards the background.

    Returns:
        The choice.

    Raises:
        ValueError: `odds` is empty.
    """
    n, dtype = int(held_out.counts.sum()), held_out.z.dtype
    of = np.asarray(labels)
    some = held_out if most is None else held_out.subsample(most)
    truth = of[some.groups][:, None] == of
    base = oas_shrinkage(within, n)
    best: tuple[Array, float, Inverse, Projected, Prior] | None = None
    for factor in odds:
        shrinkage = factor * base / (1 - base + factor * base)
        inverse = precision(within, n, shrinkage, dtype)
        means = inverse.project(held_out.means, dtype)
        losses, prior = held_out_losses(some, inverse, means, shrinkage, truth, shrunken)
        if best is not None and not significantly_greater(best[0], losses):
            break
        best = losses, shrinkage, inverse, means, prior
    if best is None:
        raise ValueError("there is no shrinkage to choose from")
    losses, shrinkage, inverse, means, prior = best
    # As large as all the rest, and not needed for the scores.
    del within, best
    result = held_out.evaluate(inverse, means, shrinkage, prior)
    truth = of[held_out.groups][:, None] == of
    temperature, _ = best_temperature(result.scores, truth)
    bounded = bounded_temperature(temperature, result.scores, truth)
    return ShrinkageChoice(shrinkage, inverse, means, prior, bounded, result, losses)
