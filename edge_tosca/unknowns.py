"""How much a picture looks like anything known: ridge response plus nearness to cached features.

The ridge score is one-hot least squares on conditioned features, the nearness the mean cosine to the
three nearest cached features. Both are taken over the few classes that the router proposes, each is
standardised by its leave-one-out values on known pictures, and the two are added.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.spectrum import ShrunkenInverse
from edge_tosca.sums import Statistics

RIDGE_PENALTY = 0.1
"""For features of unit length; leave-one-out error is flat between 0.03 and 0.3 on every set tried."""

NEIGHBOURS = 3


@dataclass(frozen=True)
class Ridge:
    """One-hot least squares on centred features.

    Attributes:
        weights: float32 [g, d].
        bias: float32 [g].
    """

    weights: Array
    bias: Array


@dataclass(frozen=True)
class Familiarity:
    """Standardises the two signs of familiarity and says where "unknown" begins.

    Attributes:
        mean: of ridge response and nearness on known pictures, float64 [2].
        spread: their standard deviations, float64 [2].
        threshold: a sum of standardised values below it means unknown; -inf never does.
    """

    mean: Array
    spread: Array
    threshold: float

    def score(self, ridge: Array, nearness: Array) -> Array:
        """Add up the standardised signs.

        Args:
            ridge: [n].
            nearness: [n].

        Returns:
            float64 [n]; higher is more familiar.
        """
        total: Array = (ridge - self.mean[0]) / self.spread[0] + (nearness - self.mean[1]) / self.spread[1]
        return total


def fit_ridge(statistics: Statistics) -> tuple[Ridge, ShrunkenInverse]:
    """Solve the ridge regression of group membership on features.

    Args:
        statistics: of the groups.

    Returns:
        The regression, and the inverse of the penalised total scatter.
    """
    counts, sums = statistics.counts, statistics.sums
    mean = sums.sum(axis=0) / counts.sum()
    total = statistics.total()
    inverse = total.inverse(1.0, RIDGE_PENALTY)
    weights = inverse.apply(total.project(sums - counts[:, None] * mean))
    bias = counts / counts.sum() - weights @ mean
    return Ridge(weights.astype(np.float32), bias.astype(np.float32)), inverse


def ridge_leave_one_out(
    statistics: Statistics, ridge: Ridge, inverse: ShrunkenInverse, z: Array, groups: Array
) -> Array:
    """Ridge responses as if each picture had not been seen.

    Source: the hat-matrix identity, Hastie, Tibshirani, Friedman, "The Elements of Statistical
    Learning", 2nd edition, equation 7.64.

    Args:
        statistics: of the groups, the pictures included.
        ridge: of `fit_ridge`.
        inverse: of `fit_ridge`.
        z: some of the pictures, [n, d].
        groups: group of each, int [n].

    Returns:
        float64 [n, g].
    """
    n = statistics.counts.sum()
    centred = inverse.spectrum.project(z - statistics.sums.sum(axis=0) / n)
    leverage = (inverse.along(centred, centred) + 1 / n)[:, None]
    target = np.zeros((len(z), len(ridge.bias)))
    target[np.arange(len(z)), groups] = 1
    fitted = z @ ridge.weights.T.astype(np.float64) + ridge.bias
    left_out: Array = (fitted - leverage * target) / np.maximum(1 - leverage, 1e-6)
    return left_out


def nearness(z: Array, cached: Array) -> float:
    """Mean cosine of a picture to its nearest cached features.

    Args:
        z: conditioned feature, [d].
        cached: conditioned features, [m, d].

    Returns:
        In -1 .. 1; -1 where nothing is cached.
    """
    if len(cached) == 0:
        return -1.0
    cosines = cached @ z
    count = min(NEIGHBOURS, len(cosines))
    return float(np.partition(cosines, -count)[-count:].mean())


def fit_familiarity(ridge: Array, near: Array, refused: float) -> Familiarity:
    """Place the threshold so that a share of known pictures falls below it.

    Args:
        ridge: leave-one-out ridge responses of known pictures, [n].
        near: their leave-one-out nearness, [n].
        refused: the share, in 0 .. 1.

    Returns:
        The calibration. With fewer than 1 / refused pictures nothing is called unknown: a quantile of so
        few is not known.
    """
    if len(ridge) < 2:
        return Familiarity(np.zeros(2), np.ones(2), -np.inf)
    mean = np.array([ridge.mean(), near.mean()])
    spread = np.maximum(np.array([ridge.std(), near.std()]), 1e-6)
    familiarity = Familiarity(mean, spread, -np.inf)
    if refused <= 0 or len(ridge) * refused < 1:
        return familiarity
    threshold = float(np.quantile(familiarity.score(ridge, near), refused))
    return Familiarity(mean, spread, threshold)
