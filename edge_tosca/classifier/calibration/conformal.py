"""Label sets that contain the true label with a chosen probability: split conformal prediction.

A set holds every label whose probability is at least the k-th smallest probability of the true label among n
calibration pictures, k = n + 1 - ceil((n + 1) coverage).

Source: Angelopoulos and Bates, "A Gentle Introduction to Conformal Prediction", 2021, section 1, with the
score 1 - p(true label) of Sadinle, Lei and Wasserman, "Least Ambiguous Set-Valued Classifiers with Bounded
Error Levels", 2019, which gives the smallest sets. The code stores and compares p itself.

The calibration pictures are the learner's own held-out pictures. The coverage holds for pictures like those:
taken in the same way, of the taught classes.
"""

import math

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError

# (n + 1) times a decimal share may be a whole number on paper and not in floating point.
_ROUNDING = 1e-9


def calibrate(posterior: Array, truth: Array) -> Array:
    """Collect the true labels' probabilities of held-out pictures.

    Args:
        posterior: probabilities of the labels, [n, labels].
        truth: index of each picture's label, int [n].

    Returns:
        Probabilities of the true labels, increasing, float32 [n].
    """
    return np.sort(posterior[np.arange(len(truth)), truth]).astype(np.float32)


def least_probability(calibration: Array, coverage: float) -> float:
    """Compute the probability from which on a label belongs to the set.

    It is the k-th smallest of the n calibration probabilities, not their (1 - coverage) quantile: that makes
    the coverage exact for finite n.

    Args:
        calibration: from `calibrate`.
        coverage: probability with which a set must contain the true label, between 0 and 1.

    Returns:
        The probability; 0, which puts every label into the set, where the pictures are too few for the
        coverage.

    Raises:
        LearnError: coverage is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise LearnError(f"coverage must lie between 0 and 1, as in 0.9; it is {coverage:g}")
    n = len(calibration)
    # For a coverage of almost 0, k would be n + 1, and there are only n probabilities.
    k = min(n, n + 1 - math.ceil((n + 1) * coverage - _ROUNDING))
    return float(calibration[k - 1]) if k >= 1 else 0.0


def label_set(posterior: Array, least: float) -> Array:
    """List the labels of a set, the most probable first.

    Args:
        posterior: of one picture, [labels].
        least: from `least_probability`.

    Returns:
        Indices of labels, int [k], k >= 1: the most probable label is always in the set, which never lowers
        the coverage.
    """
    order = np.argsort(-posterior, kind="stable")
    # Compared in the precision of the calibration, or rounding would separate equal values.
    inside: Array = order[: max(1, int((posterior.astype(np.float32) >= np.float32(least)).sum()))]
    return inside
