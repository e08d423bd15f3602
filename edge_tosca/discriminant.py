"""Shrunken linear discriminant analysis, with exact leave-one-out scores.

score_g(z) = z' P m_g - m_g' P m_g / 2, with P the inverse of the shrunken within-group covariance
S = (1 - rho) W / n + rho (trace(W) / (n d)) I and m_g the mean of group g. Groups are equally likely
beforehand: how often a thing was photographed says nothing about how often it will be met.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.spectrum import Projected, ShrunkenInverse, Spectrum

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


def oas_shrinkage(within: Spectrum, n: int) -> float:
    """Give the oracle-approximating shrinkage of the within-group covariance W / n.

    Source: Chen, Wiesel, Eldar, Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", 2010, eq. 23.

    Args:
        within: spectrum of W.
        n: pictures it was estimated from.

    Returns:
        rho in 0 .. 1.
    """
    d = len(within.vectors)
    trace, square = within.trace / n, within.square / n**2
    denominator = (n + 1 - 2 / d) * (square - trace * trace / d)
    return 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / d) * square + trace * trace) / denominator)


def precision(within: Spectrum, n: int, shrinkage: float) -> ShrunkenInverse:
    """Invert the shrunken within-group covariance.

    Args:
        within: spectrum of W.
        n: pictures it was estimated from.
        shrinkage: rho in 0 .. 1.

    Returns:
        P.
    """
    target = within.trace / (n * len(within.vectors))
    if target <= _FLOOR:
        return within.inverse(0.0, _UNSEEN_VARIANCE)
    return within.inverse((1 - shrinkage) / n, max(shrinkage * target, _FLOOR))


def discriminant(inverse: ShrunkenInverse, means: Projected) -> Discriminant:
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


@dataclass(frozen=True)
class LeaveOneOut:
    """Cached pictures to be scored by a discriminant that had not seen them.

    Taking picture z out of group c (n_c pictures, mean m) moves the mean by -r / (n_c - 1) and the
    within scatter by -n_c / (n_c - 1) r r', with r = z - m; the inverse follows by Sherman and Morrison.
    The shrinkage target stays as it is. A picture that is alone in its group keeps its own group's score
    and must be left out of any judgement by the caller.

    Attributes:
        z: the pictures' features, n of them.
        residuals: z - mean of its group.
        means: of the g groups.
        groups: group of each picture, int [n].
        counts: pictures of each group, int [g].
    """

    z: Projected
    residuals: Projected
    means: Projected
    groups: Array
    counts: Array

    @classmethod
    def of(cls, within: Spectrum, z: Array, groups: Array, means: Array, counts: Array) -> "LeaveOneOut":
        """Project everything once, for any number of shrinkages.

        Args:
            within: spectrum of W.
            z: [n, d].
            groups: int [n].
            means: [g, d].
            counts: int [g].

        Returns:
            The pictures, ready to be scored.
        """
        some, centres = within.project(z), within.project(means)
        residuals = Projected(some.x - centres.x[groups], some.along - centres.along[groups])
        return cls(some, residuals, centres, groups, counts)

    def scores(self, inverse: ShrunkenInverse, shrinkage: float) -> Array:
        """Score the pictures.

        Args:
            inverse: P, the pictures included.
            shrinkage: the rho it was made with.

        Returns:
            float64 [n, g].
        """
        size = self.counts[self.groups].astype(np.float64)
        alone = np.maximum(size - 1, 1)
        length = inverse.along(self.residuals, self.residuals)
        drop = (1 - shrinkage) * size / alone / self.counts.sum()
        gain = drop / np.maximum(1 - drop * length, 1e-6)

        along = inverse.between(self.residuals, self.means)
        picture = inverse.along(self.residuals, self.z)
        scores: Array = inverse.between(self.z, self.means) + (gain * picture)[:, None] * along
        scores -= 0.5 * (inverse.along(self.means, self.means) + gain[:, None] * along**2)

        every = np.arange(len(size))
        stretched = 1 + gain * length
        moved = (along[every, self.groups] - picture - 0.5 * length / alone) / alone
        scores[every, self.groups] += stretched * moved
        return scores
