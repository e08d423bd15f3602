"""Linear discriminant analysis (LDA) with a covariance that is shrunken towards a multiple of the identity.

    score_g(z) = z' P m_g - m_g' P m_g / 2
    P = S^-1,  S = (1 - rho) W / n + rho (trace(W) / (n d)) I

with m_g the mean of group g and W the within-group scatter of n pictures. All groups have the same prior
probability: how many pictures of a class were taught does not show how often it will be met.

Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd edition, 2009, eq. 4.10
(scores) and 4.14 (shrinkage). The scores of scikit-learn's `LinearDiscriminantAnalysis` with solver "lsqr"
and shrinkage rho are the same plus the logarithm of each class's share of the pictures.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.scatter import Inverse, Projected, Scatter

# Keeps the matrix invertible where a caller asks for no shrinkage.
_FLOOR = 1e-9

# With one picture a class there is no scatter inside the classes. This variance keeps the answers cautious:
# of five grocery classes with one picture each, half the test pictures are classified right.
_UNSEEN_VARIANCE = 0.1


@dataclass(frozen=True)
class Discriminant:
    """A linear score for each group.

    Attributes:
        weights: P m_g, float32 [g, d].
        bias: -m_g' P m_g / 2, float32 [g].
    """

    weights: Array
    bias: Array

    def scores(self, z: Array) -> Array:
        """Score normalised features.

        Args:
            z: float32 [n, d].

        Returns:
            float32 [n, g].
        """
        scores: Array = z @ self.weights.T + self.bias
        return scores

    def background_margins(self, z: Array) -> Array:
        """Compute the margins of all groups but the last above the last, which is the background.

        Args:
            z: normalised features, float32 [n, d].

        Returns:
            float32 [n, g - 1].
        """
        return above_background(self.scores(z))


def above_background(scores: Array) -> Array:
    """Subtract the background's score, which is the last column.

    Args:
        scores: [n, g].

    Returns:
        Margins above the background, [n, g - 1].
    """
    margins: Array = scores[:, :-1] - scores[:, -1:]
    return margins


def oas_shrinkage(within: Scatter, n: int) -> float:
    """Compute the oracle approximating shrinkage (OAS) of the within-group covariance W / n.

    Source: Chen, Wiesel, Eldar, Hero, "Shrinkage Algorithms for MMSE Covariance Estimation", 2010, eq. 23.
    scikit-learn's `OAS` omits the terms with 2 / d, which changes rho by at most a d-th of it.

    Args:
        within: W.
        n: pictures that it was estimated from.

    Returns:
        rho in 0 .. 1.
    """
    d = within.dim
    trace, square = within.trace / n, within.squared_norm / n**2
    denominator = (n + 1 - 2 / d) * (square - trace * trace / d)
    return 1.0 if denominator <= 0 else min(1.0, ((1 - 2 / d) * square + trace * trace) / denominator)


def precision(within: Scatter, n: int, shrinkage: float, dtype: npt.DTypeLike = np.float64) -> Inverse:
    """Invert the shrunken within-group covariance.

    Args:
        within: W.
        n: pictures that it was estimated from.
        shrinkage: rho in 0 .. 1.
        dtype: of the vectors that it will be applied to.

    Returns:
        P.

    Raises:
        LinAlgError: W has a negative trace, so it is no scatter matrix.
    """
    target = within.trace / (n * within.dim)
    if target < -_FLOOR:
        raise np.linalg.LinAlgError("the within-group scatter has a negative trace")
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
