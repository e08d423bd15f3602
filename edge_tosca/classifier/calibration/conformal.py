"""Label sets that hold the truth with a chosen probability: split conformal prediction.

Source: Angelopoulos and Bates, "A Gentle Introduction to Conformal Prediction", 2021, section 1, with the
score 1 - p(true label) of Sadinle, Lei and Wasserman, "Least Ambiguous Set-Valued Classifiers with Bounded
Error Levels", 2019, which gives the smallest sets. Kept and compared here are the probabilities themselves.

The calibration pictures are the learner's own cached ones, each judged as if its block of neighbours had not
been seen. The promise is for pictures like those: taken in the same way, of the taught classes.
"""

import math

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError

# (n + 1) times a decimal share is a whole number in print and not always one in floating point.
_ROUNDING = 1e-9


def calibrate(posterior: Array, truth: Array) -> Array:
    """Keep what label sets need of left-out pictures.

    Args:
        posterior: probabilities of the labels, [n, labels].
        truth: index of each picture's label, int [n].

    Returns:
        Probabilities of the true labels, increasing, float32 [n].
    """
    return np.sort(posterior[np.arange(len(truth)), truth]).astype(np.float32)


def least_probability(calibration: Array, coverage: float) -> float:
    """Find the probability from which a label belongs to the set.

    With n calibration pictures it is the k-th smallest of their true labels' probabilities,
    k = n + 1 - ceil((n + 1) coverage): the k-th of n, not the (1 - coverage) quantile, is what makes the
    promise exact for finite n.

    Args:
        calibration: of `calibrate`.
        coverage: probability with which a set is to hold the truth, between 0 and 1.

    Returns:
        The probability; 0, which lets every label in, where there are too few pictures to promise less.

    Raises:
        LearnError: coverage is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise LearnError(f"coverage must lie between 0 and 1, as in 0.9; it is {coverage:g}")
    n = len(calibration)
    # The smallest coverage of all is not a smaller promise than that of the surest answer.
    k = min(n, n + 1 - math.ceil((n + 1) * coverage - _ROUNDING))
    return float(calibration[k - 1]) if k >= 1 else 0.0


def label_set(posterior: Array, least: float) -> Array:
    """Give the labels of a set, the most probable first.

    Args:
        posterior: of one picture, [labels].
        least: of `least_probability`.

    Returns:
        Indices of labels, int [k]. The most probable label is always in it: an empty set would keep the
        promise no better.
    """
    order = np.argsort(-posterior, kind="stable")
    # Compared in the precision of the calibration, or rounding would part equals.
    inside: Array = order[: max(1, int((posterior.astype(np.float32) >= np.float32(least)).sum()))]
    return inside
