"""Shrinkage of the groups' means towards the background: empirical Bayes.

The squared error of a mean of n pictures is an n-th of a picture's, so the mean of few pictures lies too far
out, and a group of few pictures loses its own pictures to groups of many. Every mean is therefore shrunken
towards the background m, the mean of all pictures, the more the fewer pictures it has:

    m~_g = m + w_g (m_g - m),   w_g = n_g / (n_g + kappa),   kappa = s / b

with s the mean squared distance of a picture from its group's true mean and b that of the groups' true means
from the background, both under P. It is the posterior mean under a normal prior whose variance is estimated
from the groups (Morris, "Parametric Empirical Bayes Inference: Theory and Applications", 1983, section 1).
kappa is the number of pictures that the prior weighs as much as.

With t_g = (m_g - m)'P(z - m) and K_g = (m_g - m)'P(m_g - m), a plain mean has the margin t_g - K_g / 2 above
the background, a shrunken one w_g t_g - w_g^2 K_g / 2 = w_g (t_g - K_g / 2) + w_g (1 - w_g) K_g / 2.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array

MAX_PRIOR_PICTURES = 32.0
"""Largest kappa. Where the groups hardly differ, b is too small to be estimated."""


@dataclass(frozen=True)
class Prior:
    """Normal prior of the groups' means.

    Attributes:
        pictures: kappa, 0 .. MAX_PRIOR_PICTURES; 0 leaves the means as they are.
        noise: s, the mean squared distance of a picture from its group's mean; 0 where it is not known.
    """

    pictures: float
    noise: float

    @classmethod
    def of(cls, noise: float, norms: Array, counts: Array) -> "Prior":
        """Estimate the prior by the method of moments.

        Args:
            noise: s.
            norms: squared distances of the groups' means from the background, [g].
            counts: pictures of each group, int [g].

        Returns:
            The prior; kappa is 0 for one group, whose mean is the background.
        """
        if len(counts) < 2:
            return cls(0.0, noise)
        # The norms of g means sum to (g - 1) b, and to the noise of each mean besides.
        between = float(norms.sum() / (len(counts) - 1) - noise * np.mean(1 / counts))
        kappa = MAX_PRIOR_PICTURES if between * MAX_PRIOR_PICTURES <= noise else noise / between
        return cls(kappa, noise)

    def mean_weights(self, counts: Array) -> Array:
        """Compute w, the share of itself that each mean keeps.

        Args:
            counts: pictures of each group, int [g].

        Returns:
            float64 [g], in 0 .. 1.
        """
        share: Array = counts / (counts + self.pictures)
        return share

    def mean_noise(self, counts: Array) -> Array:
        """Compute s / n, the part of each mean's squared distance from the background that is noise.

        Args:
            counts: pictures of each group, int [g].

        Returns:
            float64 [g].
        """
        part: Array = self.noise / counts
        return part


FLAT_PRIOR = Prior(0.0, 0.0)
"""Leaves the means as they are."""


def shrunken_scores(margins: Array, norms: Array, weights: Array) -> Array:
    """Score pictures by the shrunken means, given the plain means' margins.

    Args:
        margins: of the plain means above the background, [n, g].
        norms: K, [g].
        weights: w, [g].

    Returns:
        w t - w^2 K / 2, [n, g].
    """
    scores: Array = weights * margins + score_offsets(norms, weights)
    return scores


def score_offsets(norms: Array, weights: Array) -> Array:
    """Compute the constant part of a shrunken mean's score, w (1 - w) K / 2.

    Args:
        norms: K, [g].
        weights: w, [g].

    Returns:
        [g].
    """
    offsets: Array = 0.5 * weights * (1 - weights) * norms
    return offsets
