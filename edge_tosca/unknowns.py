"""How much a picture looks like anything known.

Three signs are added, each standardised by its values on known pictures that were left out:
the discriminant's best score beyond the background's (a relative Mahalanobis distance; Ren and others, "A
Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection", 2021, here with one covariance), the
margin of one-hot ridge responses between the proposed groups, and the nearness to cached features, the mean
cosine to the three nearest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_tosca.folds import Block
from edge_tosca.luca import Array
from edge_tosca.sums import Statistics
from edge_tosca.whitening import Inverse

RIDGE_PENALTY = 0.1
"""For features of unit length; leave-one-out error chose 0.03 to 0.3 on every set tried."""

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
    """Standardises the signs of familiarity and says where "unknown" begins.

    Attributes:
        mean: of each sign on known pictures, float64 [3].
        spread: their standard deviations, float64 [3].
        threshold: a sum of standardised signs below it means unknown; -inf never does.
    """

    mean: Array
    spread: Array
    threshold: float

    def score(self, signs: Array) -> Array:
        """Add up the standardised signs.

        Args:
            signs: score beyond the background, ridge margin and nearness, [n, 3].

        Returns:
            float64 [n]; higher is more familiar.
        """
        total: Array = ((signs - self.mean) / self.spread).sum(axis=1)
        return total


def fit_ridge(statistics: Statistics) -> tuple[Ridge, Inverse]:
    """Solve the ridge regression of group membership on features.

    Args:
        statistics: of the groups.

    Returns:
        The regression, and the inverse of the penalised total scatter.
    """
    counts, sums = statistics.counts, statistics.sums
    mean = sums.sum(axis=0) / counts.sum()
    inverse = statistics.penalised(RIDGE_PENALTY)
    weights = inverse.apply(inverse.project(sums - counts[:, None] * mean))
    bias = counts / counts.sum() - weights @ mean
    return Ridge(weights.astype(np.float32), bias.astype(np.float32)), inverse


def left_out_responses(
    statistics: Statistics, ridge: Ridge, inverse: Inverse, z: Array, blocks: Sequence[Block]
) -> Array:
    """Ridge responses as if a picture's block had not been seen.

    Source: the hat-matrix identity for several observations at once; Cook and Weisberg, "Residuals and
    Influence in Regression", 1982, section 3.6.

    Args:
        statistics: of the groups, the pictures included.
        ridge: of `fit_ridge`.
        inverse: of `fit_ridge`.
        z: the blocks' pictures, one block after another, [n, d].
        blocks: what is left out together.

    Returns:
        float64 [n, g].
    """
    total = statistics.counts.sum()
    # The weights are float32, and so may be what they are compared with.
    mean = statistics.sums.sum(axis=0) / total
    centred = inverse.project(z - mean, np.float32)
    responses = z @ ridge.weights.T + ridge.bias
    start = 0
    for block in blocks:
        rows = slice(start, start + len(block.rows))
        target = np.zeros((len(block.rows), len(ridge.bias)))
        target[:, block.group] = 1
        hat = inverse.between(centred[rows], centred[rows]) + 1 / total
        errors = np.linalg.solve(np.eye(len(hat)) - hat, target - responses[rows])
        responses[rows] = target - errors
        start = rows.stop
    left_out: Array = responses
    return left_out


def margin(responses: Array) -> Array:
    """How far the strongest response is ahead of the next.

    Args:
        responses: of the proposed groups, [n, p].

    Returns:
        [n]; the response itself where only one group is proposed.
    """
    ordered = np.sort(responses, axis=1)
    ahead: Array = ordered[:, -1] - ordered[:, -2] if responses.shape[1] > 1 else ordered[:, -1]
    return ahead


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


def fit_familiarity(signs: Array, refused: float) -> Familiarity:
    """Place the threshold so that a share of known pictures falls below it.

    Args:
        signs: of known pictures that were left out, [n, 3].
        refused: the share, in 0 .. 1.

    Returns:
        The calibration. With fewer than 1 / refused pictures nothing is called unknown: a quantile of so
        few is not known.
    """
    if len(signs) < 2:
        return Familiarity(np.zeros(3), np.ones(3), -np.inf)
    calibrated = Familiarity(signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6), -np.inf)
    if refused <= 0 or len(signs) * refused < 1:
        return calibrated
    return replace(calibrated, threshold=float(np.quantile(calibrated.score(signs), refused)))
