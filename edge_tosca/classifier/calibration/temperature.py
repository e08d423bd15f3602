"""Temperature scaling: the factor on scores under which their softmax is calibrated on held-out pictures.

Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017, section 4.2. There the
scores are divided by a temperature; here a "temperature" is its inverse, a factor.
"""

from functools import cache

import numpy as np

from edge_tosca.arrays import Array, log_softmax

_STRIDE = 4


def label_losses(scores: Array, truth: Array) -> Array:
    """Compute minus the log-probability of each picture's label.

    Args:
        scores: of groups, [n, g].
        truth: groups that have the picture's label, bool [n, g].

    Returns:
        [n].
    """
    logs = np.where(truth, log_softmax(scores), -np.inf)
    losses: Array = -np.logaddexp.reduce(logs, axis=1)
    return losses


def best_temperature(scores: Array, truth: Array, offset: Array | None = None) -> tuple[float, float]:
    """Find the factor on scores with the lowest negative log-likelihood, in steps of sqrt(2).

    Args:
        scores: of held-out pictures, [n, k].
        truth: the columns that are right, bool [n, k]; several where groups share a label.
        offset: added to the scores after the factor, [n, k].

    Returns:
        The factor, and its mean negative log-likelihood; (1, nan) without pictures.
    """
    if len(scores) == 0:
        return 1.0, float("nan")
    factors = 2.0 ** np.arange(-10, 7.5, 0.5)
    # A constant in a row changes no softmax; with this one, and no offset, the largest exponent is 0.
    shifted = scores - scores.max(axis=1, keepdims=True)
    rows, columns = np.nonzero(truth)
    powers = np.empty_like(shifted)

    @cache
    def loss(place: int) -> float:
        np.multiply(shifted, factors[place], out=powers)
        if offset is not None:
            np.add(powers, offset, out=powers)
            np.subtract(powers, powers.max(axis=1, keepdims=True), out=powers)
        np.exp(powers, out=powers)
        right = np.bincount(rows, powers[rows, columns], len(powers)) / powers.sum(axis=1)
        return -float(np.log(np.maximum(right, 1e-300)).mean())

    # The loss has one valley: a coarse search finds it, a fine one its lowest point.
    coarse = min(range(0, len(factors), _STRIDE), key=loss)
    near = range(max(coarse - _STRIDE + 1, 0), min(coarse + _STRIDE, len(factors)))
    best = min(near, key=loss)
    return float(factors[best]), loss(best)


def bounded_temperature(temperature: float, scores: Array, truth: Array) -> float:
    """Lower a temperature to the certainty that the number of pictures supports.

    Where all held-out pictures are right, the best temperature is infinite, and every answer would be
    certain. By the rule of succession n right pictures support odds of n + 1 to 1. The median picture's odds
    against its strongest rival are bounded by that.

    Args:
        temperature: from `best_temperature`.
        scores: of the held-out pictures, [n, k].
        truth: the columns that are right, bool [n, k].

    Returns:
        The temperature, or a lower one.
    """
    rivals = np.where(truth, -np.inf, scores).max(axis=1, initial=-np.inf)
    margins = np.where(truth, scores, -np.inf).max(axis=1, initial=-np.inf) - rivals
    if len(margins) == 0 or not np.isfinite(margins).all():
        return temperature
    median = float(np.median(margins))
    return min(temperature, float(np.log(len(margins) + 1)) / median) if median > 0 else temperature
