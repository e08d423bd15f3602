"""How far the mean of few pictures is to be trusted.

The mean of n pictures of a group is off by an n-th of what a picture is off, squared, and so lies farther out
than the true one: a group of few pictures loses its own pictures to groups of many. Every mean is therefore
drawn towards the background, the mean of all pictures, the more the fewer pictures it was made from:

    m~_g = m + w_g (m_g - m),   w_g = n_g / (n_g + kappa),   kappa = s / b

with s the mean squared distance of a picture from its group's true mean, and b that of the groups' true
means from the background, both under P, the inverse of the within-group covariance. That is the posterior
mean under a normal prior whose width the groups themselves tell: empirical Bayes (Morris, "Parametric
Empirical Bayes Inference: Theory and Applications", 1983, section 1). kappa is the number of pictures that
the prior is worth.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array

MOST = 32.0
"""Pictures that the prior is worth at most. Where groups can hardly be told apart there is no telling."""


@dataclass(frozen=True)
class Prior:
    """What is believed of a group's mean before its pictures are seen.

    Attributes:
        pictures: kappa, the number of pictures that this is worth, 0 .. MOST.
        noise: s, the mean squared distance of a picture from its group's mean; 0 where it is not known.
    """

    pictures: float
    noise: float

    @classmethod
    def of(cls, noise: float, norms: Array, counts: Array) -> "Prior":
        """Estimate the prior by its moments.

        Args:
            noise: s.
            norms: squared distances of the groups' means from the background, [g].
            counts: pictures of each group, int [g].

        Returns:
            The prior; worth nothing where there is one group, which lies on the background.
        """
        if len(counts) < 2:
            return cls(0.0, noise)
        # The means of g groups lie g - 1 times b from their middle, and are off besides.
        between = float(norms.sum() / (len(counts) - 1) - noise * np.mean(1 / counts))
        return cls(MOST if between * MOST <= noise else noise / between, noise)

    def mean_weights(self, counts: Array) -> Array:
        """Give the share of itself that each mean keeps, w.

        Args:
            counts: pictures of each group, int [g].

        Returns:
            float64 [g], in 0 .. 1.
        """
        share: Array = counts / (counts + self.pictures)
        return share

    def mean_noise(self, counts: Array) -> Array:
        """Give the part of each squared distance from the background that is noise: s / n.

        Args:
            counts: pictures of each group, int [g].

        Returns:
            float64 [g].
        """
        part: Array = self.noise / counts
        return part


PLAIN = Prior(0.0, 0.0)
"""Believes nothing beforehand: means count as they are."""


def shrunken_scores(margins: Array, norms: Array, weights: Array) -> Array:
    """Score pictures by the shrunken means instead of the plain ones.

    With t_g = (m_g - m)'P(z - m) and K_g = (m_g - m)'P(m_g - m) a plain mean scores t_g - K_g / 2 beyond the
    background, and a shrunken one w_g t_g - w_g^2 K_g / 2.

    Args:
        margins: what plain means score above the background, [n, g].
        norms: K, [g].
        weights: w, [g].

    Returns:
        [n, g].
    """
    scores: Array = weights * margins + score_offsets(norms, weights)
    return scores


def score_offsets(norms: Array, weights: Array) -> Array:
    """Give what `shrunken_scores` adds, w (1 - w) K / 2.

    Args:
        norms: K, [g].
        weights: w, [g].

    Returns:
        [g].
    """
    added: Array = 0.5 * weights * (1 - weights) * norms
    return added
