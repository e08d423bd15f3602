"""The score below which a picture is called unknown: a quantile of n held-out scores.

    threshold = (NORMAL_WEIGHT q_normal + n q_empirical) / (NORMAL_WEIGHT + n)

The sources of the two quantiles are with their functions; docs/ablations.md compares the rules.
"""

import math
from statistics import NormalDist

import numpy as np

from edge_tosca.arrays import Array

NORMAL_WEIGHT = 100
"""Pictures that the quantile of normal scores weighs as much as, beside the empirical quantile."""


def rejection_threshold(scores: Array, share: float) -> float:
    """Estimate the score that a new known picture falls below with a given probability.

    Averages the prediction quantile of normal scores, which varies little, and the empirical one, which is
    valid for any distribution.

    Args:
        scores: of held-out known pictures, [n]; at least two.
        share: the probability, in 0 .. 1.

    Returns:
        The threshold.
    """
    n = len(scores)
    normal, empirical = normal_prediction_quantile(scores, share), empirical_quantile(scores, share)
    return (NORMAL_WEIGHT * normal + n * empirical) / (NORMAL_WEIGHT + n)


def empirical_quantile(scores: Array, share: float) -> float:
    """Return the (n + 1) share-th smallest of n scores, the smallest where there is none.

    Valid for any distribution, as in `edge_tosca.classifier.calibration.conformal`; with few scores it
    depends on one or two of them. Arguments and result as in `rejection_threshold`.
    """
    return float(np.quantile(scores, share, method="weibull"))


def normal_prediction_quantile(scores: Array, share: float) -> float:
    """Return the prediction quantile of normal scores: mean + t s sqrt(1 + 1 / n).

    Source: Hahn and Meeker, "Statistical Intervals", 1991, chapter 4; t is Student's with n - 1 degrees of
    freedom. It varies much less than `empirical_quantile`. Arguments and result as in `rejection_threshold`.
    """
    n = len(scores)
    return float(scores.mean() + student_t_quantile(share, n - 1) * scores.std(ddof=1) * math.sqrt(1 + 1 / n))


def student_t_quantile(share: float, freedom: int) -> float:
    """Return a quantile of Student's t distribution.

    Source: Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.5. The error is below
    0.001 for shares from 5 % to 95 % and 4 degrees of freedom or more.

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
