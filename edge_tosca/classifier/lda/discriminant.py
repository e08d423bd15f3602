"""Shrunken linear discriminant analysis.

score_g(z) = z' P m_g - m_g' P m_g / 2, with P the inverse of the shrunken within-group covariance
S = (1 - rho) W / n + rho (trace(W) / (n d)) I and m_g the mean of group g. Groups are equally likely
beforehand: how often a thing was photographed says nothing about how often it will be met.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Inverse, Projected, Scatter

# Keeps the matrix invertible where a caller asks for no shrinkage.
_FLOOR = 1e-9

# With one picture a class nothing varies inside the classes. This variance keeps the answers cautious: of
# five grocery classes with one picture each, half the test pictures are named right.
_UNSEEN_VARIANCE = 0.1


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

    def background_margins(self, z: Array) -> Array:
        """Score conditioned features beyond the background, whose score is the last one.

        Args:
            z: float32 [n, d].

        Returns:
            float32 [n, g - 1].
        """
        return above_background(self.scores(z))


def above_background(scores: Array) -> Array:
    """Give scores beyond the background's, which is the last column.

    Args:
        scores: [n, g].

    Returns:
        [n, g - 1].
    """
    beyond: Array = scores[:, :-1] - scores[:, -1:]
    return beyond


def oas_shrinkage(within: Scatter, n: int) -> float:
    """Give the oracle-approximating shrinkage of the within-group covariance W / n.

    Source: Chen, Wiesel, Eldar, Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", 2010, eq. 23.

    Args:
        within: W.
        n: pictures it was estimated from.

    Returns:
        rho in 0 .. 1.
    """
    d = within.dim
    trace, square = within.trace / n, within.square / n**2
    denominator = (n + 1 - 2 / d) * (square - trace * trace / d)
    return 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / d) * square + trace * trace) / denominator)


def precision(within: Scatter, n: int, shrinkage: float, dtype: npt.DTypeLike = np.float64) -> Inverse:
    """Invert the shrunken within-group covariance.

    Args:
        within: W.
        n: pictures it was estimated from.
        shrinkage: rho in 0 .. 1.
        dtype: of the vectors that it will meet.

    Returns:
        P.

    Raises:
        LinAlgError: pictures cannot scatter like that.
    """
    target = within.trace / (n * within.dim)
    if target < -_FLOOR:
        raise np.linalg.LinAlgError("the pictures of a group scatter by less than nothing")
    if target <= _FLOOR:
        return within.inverse(0.0, _UNSEEN_VARIANCE, dtype)
    return within.inverse((1 - shrinkage) / n, max(shrinkage * target, _FLOOR), dtype)


def discriminant(inverse: Inverse, means: Projected) -> Discriminant:
    """Solve the scores of every group.

    Args:
        inverse: P.
        means: of the groups.

    Returns:
        The discriminant, in float32.
    """
    weights = inverse.apply(means)
    bias = -0.5 * np.sum(weights * means.x, axis=1)
    return Discriminant(weights.astype(np.float32), bias.astype(np.float32))
