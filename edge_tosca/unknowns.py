"""How much a picture looks like anything known.

Three signs are added, each standardised by its values on known pictures that were left out:
the discriminant's best score beyond the background's (a relative Mahalanobis distance; Ren and others, "A
Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection", 2021, here with one covariance), the
margin of one-hot ridge responses between the proposed groups, at half weight, and the nearness, the cosine to
the nearest mean of the proposed groups. docs/unknowns.md compares them with others.
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

SIGN_WEIGHTS = np.array([1.0, 0.5, 1.0])
"""The margin tells siblings and knows nothing of strangers: at full weight far unknowns slip through."""


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
        total: Array = (signs - self.mean) / self.spread @ SIGN_WEIGHTS
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
    statistics: Statistics,
    ridge: Ridge,
    inverse: Inverse,
    z: Array,
    blocks: Sequence[Block],
    proposed: Array,
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
        proposed: groups whose responses are wanted, int [n, p].

    Returns:
        float32 [n, p].
    """
    total = statistics.counts.sum()
    # The weights are float32, and so may be what they are compared with.
    mean = statistics.sums.sum(axis=0) / total
    centred = inverse.project(z - mean, np.float32)
    wanted = np.empty(proposed.shape, np.float32)
    start = 0
    for block in blocks:
        rows = slice(start, start + len(block.rows))
        groups, places = np.unique(proposed[rows], return_inverse=True)
        responses = z[rows] @ ridge.weights[groups].T + ridge.bias[groups]
        target = np.broadcast_to(groups == block.group, responses.shape)
        hat = inverse.between(centred[rows], centred[rows]) + 1 / total
        left_out = target - np.linalg.solve(np.eye(len(hat)) - hat, target - responses)
        wanted[rows] = np.take_along_axis(left_out, places.reshape(proposed[rows].shape), axis=1)
        start = rows.stop
    return wanted


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


def directions(means: Array) -> Array:
    """Give vectors the length one, in half precision: a cosine needs no more.

    Args:
        means: of the groups' conditioned features, [g, d].

    Returns:
        float16 [g, d]; a mean of zeros stays.
    """
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    unit: Array = (means / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float16)
    return unit


def left_out_nearness(
    z: Array, blocks: Sequence[Block], proposed: Array, sums: Array, counts: Array
) -> Array:
    """Cosine of each picture to the nearest mean of its proposed groups, made without its block.

    Args:
        z: the blocks' conditioned features, one block after another, [n, d].
        blocks: what is left out together.
        proposed: groups, int [n, p].
        sums: of the groups' features, [g, d].
        counts: pictures of each group, int [g].

    Returns:
        float32 [n].
    """
    means = directions(sums / counts[:, None]).astype(np.float32)
    near = np.empty(len(z), np.float32)
    start = 0
    for block in blocks:
        rows = slice(start, start + len(block.rows))
        rest = sums[block.group] - z[rows].sum(axis=0, dtype=np.float64)
        cosines = np.sum(means[proposed[rows]] * z[rows, None], axis=2)
        own = z[rows] @ directions(rest[None])[0].astype(np.float32)
        near[rows] = np.where(proposed[rows] == block.group, own[:, None], cosines).max(axis=1)
        start = rows.stop
    return near


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
