"""Shrunken linear discriminant analysis, solved from running sums, with exact leave-one-out scores.

score_g(z) = z' P m_g - m_g' P m_g / 2, with P the inverse of the shrunken within-group covariance
S = (1 - rho) W / n + rho (trace(W) / (n d)) I. Groups are equally likely beforehand: how often a thing
was photographed says nothing about how often it will be met.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.statistics import Statistics


@dataclass(frozen=True)
class Discriminant:
    """A linear score for each group.

    Attributes:
        weights: float32 [g, d].
        bias: float32 [g].
    """

    weights: Array
    bias: Array

    def scores(self, z: Array) -> Array:
        """Score conditioned features.

        Args:
            z: float32 [n, d].

        Returns:
            float32 [n, g].
        """
        scores: Array = z @ self.weights.T + self.bias
        return scores


def oas_shrinkage(covariance: Array, n: int) -> float:
    """Give the oracle-approximating shrinkage of a sample covariance.

    Source: Chen, Wiesel, Eldar, Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", 2010, eq. 23.

    Args:
        covariance: float64 [d, d].
        n: pictures it was estimated from.

    Returns:
        rho in 0 .. 1.
    """
    d = len(covariance)
    trace, square = float(np.trace(covariance)), float(np.sum(covariance * covariance))
    denominator = (n + 1 - 2 / d) * (square - trace * trace / d)
    return 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / d) * square + trace * trace) / denominator)


def precision_matrix(covariance: Array, shrinkage: float) -> Array:
    """Invert a covariance shrunken towards a multiple of the identity.

    Args:
        covariance: float64 [d, d].
        shrinkage: rho in 0 .. 1.

    Returns:
        float64 [d, d]. Where nothing varies at all, the identity.
    """
    d = len(covariance)
    scale = float(np.trace(covariance)) / d
    if scale <= 0:
        return np.eye(d)
    shrunken = (1 - shrinkage) * covariance
    # A floor keeps the matrix invertible where a caller asks for no shrinkage.
    shrunken[np.diag_indices(d)] += max(shrinkage, 1e-6) * scale
    inverse: Array = np.linalg.inv(shrunken)
    return inverse


def discriminant(statistics: Statistics, precision: Array) -> Discriminant:
    """Solve the scores of every group.

    Args:
        statistics: of the groups.
        precision: float64 [d, d].

    Returns:
        The discriminant, in float32.
    """
    means = statistics.means
    weights = means @ precision
    bias = -0.5 * np.sum(weights * means, axis=1)
    return Discriminant(weights.astype(np.float32), bias.astype(np.float32))


def leave_one_out_scores(
    statistics: Statistics, precision: Array, shrinkage: float, z: Array, groups: Array
) -> Array:
    """Score pictures as a discriminant that had not seen the picture would.

    Taking picture z out of group c (n_c pictures, mean m) moves the mean by -r / (n_c - 1) and the
    within scatter by -n_c / (n_c - 1) r r', with r = z - m; the inverse follows by Sherman and Morrison.
    The shrinkage target stays as it is. A picture that is alone in its group keeps its own group's score
    and must be left out of any judgement by the caller.

    Args:
        statistics: of the groups, the pictures included.
        precision: of `precision_matrix`, float64 [d, d].
        shrinkage: the rho it was made with.
        z: some of the pictures, [n, d].
        groups: group of each, int [n].

    Returns:
        float64 [n, g].
    """
    means = statistics.means
    size = statistics.counts[groups].astype(np.float64)
    alone = np.maximum(size - 1, 1)
    x = z.astype(np.float64)
    residual = x - means[groups]
    solved_means = means @ precision
    solved = residual @ precision
    length = np.sum(solved * residual, axis=1)
    drop = (1 - shrinkage) * size / alone / statistics.counts.sum()
    gain = drop / np.maximum(1 - drop * length, 1e-6)

    along = solved @ means.T
    quadratic = np.sum(solved_means * means, axis=1)
    x_solved = np.sum(solved * x, axis=1)
    scores = x @ solved_means.T + (gain * x_solved)[:, None] * along
    scores -= 0.5 * (quadratic + gain[:, None] * along**2)

    every = np.arange(len(x))
    own = along[every, groups]
    shift = 1 / alone
    x_moved = x_solved * (1 + gain * length)
    mean_moved = own * (1 + gain * length)
    length_moved = length * (1 + gain * length)
    scores[every, groups] += shift * (mean_moved - x_moved) - 0.5 * shift**2 * length_moved
    scores_out: Array = scores
    return scores_out
