"""The score below which a picture is called unknown: a quantile of held-out scores."""

import math
from statistics import NormalDist

import numpy as np

from edge_tosca.arrays import Array

PREDICTED = 100
"""Pictures as which the threshold weighs that is right for normal scores."""


def share_below(scores: Array, share: float) -> float:
    """Find what a new picture's score falls below with a probability.

    The two answers below are averaged; what normal scores would fall below weighs as PREDICTED pictures do.
    docs/unknowns.md compares them.

    Args:
        scores: of known pictures, [n]; two at least.
        share: the probability, in 0 .. 1.

    Returns:
        The score.
    """
    n = len(scores)
    return (PREDICTED * predicted(scores, share) + n * ranked(scores, share)) / (PREDICTED + n)


def ranked(scores: Array, share: float) -> float:
    """Give the (n + 1) share-th smallest of n scores, the smallest where there is none.

    Right whatever their distribution, as in `edge_tosca.classifier.calibration.conformal`, and with few
    scores at the mercy of one or two. Arguments and result are those of `share_below`.
    """
    return float(np.quantile(scores, share, method="weibull"))


def predicted(scores: Array, share: float) -> float:
    """Give what a new score falls below where scores are normal: mean + t s sqrt(1 + 1 / n).

    Source: Hahn and Meeker, "Statistical Intervals", 1991, chapter 4; t is Student's with n - 1 degrees of
    freedom. It varies much less than `ranked`. Arguments and result are those of `share_below`.
    """
    n = len(scores)
    return float(scores.mean() + student(share, n - 1) * scores.std(ddof=1) * math.sqrt(1 + 1 / n))


def student(share: float, freedom: int) -> float:
    """Give a quantile of Student's t distribution.

    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.5; off by less than 0.01
    for 5 % and more, and 4 degrees of freedom and more.

    Args:
        share: below the quantile, in 0 .. 1.
        freedom: degrees of freedom.

    Returns:
        The quantile.
    """
    x = NormalDist().inv_cdf(share)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    correction: float = sum(term / freedom**power for power, term in enumerate(terms, 1))
    return x + correction
