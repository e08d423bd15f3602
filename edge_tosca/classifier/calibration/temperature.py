"""The factor on scores under which their softmax is calibrated, chosen on held-out pictures."""

from functools import cache

import numpy as np

from edge_tosca.arrays import Array, log_softmax

_STRIDE = 4


def label_losses(scores: Array, truth: Array) -> Array:
    """Give minus the log-probability of each picture's label.

    Args:
        scores: of groups, [n, g].
        truth: which groups bear the picture's label, bool [n, g].

    Returns:
        [n].
    """
    logs = np.where(truth, log_softmax(scores), -np.inf)
    losses: Array = -np.logaddexp.reduce(logs, axis=1)
    return losses


def best_temperature(scores: Array, truth: Array, offset: Array | None = None) -> tuple[float, float]:
    """Find the factor on scores that makes their softmax most truthful.

    Source: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", 2017, section 4.2
    (there the inverse of this factor).

    Args:
        scores: of pictures that took no part in making them, [n, k].
        truth: the columns that are right, bool [n, k]; several where groups share a label.
        offset: what is added to the scores after the factor, [n, k].

    Returns:
        The factor, and the mean negative log-likelihood that it reaches; (1, nan) without pictures.
    """
    if len(scores) == 0:
        return 1.0, float("nan")
    factors = 2.0 ** np.arange(-10, 7.5, 0.5)
    # What is common to a row changes no softmax; without an offset the largest power stays 0 then.
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

    # The loss falls to one valley and rises again: a coarse search finds the valley, a fine one its floor.
    coarse = min(range(0, len(factors), _STRIDE), key=loss)
    near = range(max(coarse - _STRIDE + 1, 0), min(coarse + _STRIDE, len(factors)))
    best = min(near, key=loss)
    return float(factors[best]), loss(best)


def modest_temperature(temperature: float, scores: Array, truth: Array) -> float:
    """Lower a temperature to what the number of pictures can vouch for.

    Where all left-out pictures are right, the most truthful temperature has no end, and every answer would
    be certain. By the rule of succession n right pictures vouch for odds of n + 1 to 1: the median picture's
    odds against its strongest rival are held to that.

    Args:
        temperature: of `best_temperature`.
        scores: of the left-out pictures, [n, k].
        truth: the columns that are right, bool [n, k].

    Returns:
        The temperature, or less.
    """
    rivals = np.where(truth, -np.inf, scores).max(axis=1, initial=-np.inf)
    margins = np.where(truth, scores, -np.inf).max(axis=1, initial=-np.inf) - rivals
    if len(margins) == 0 or not np.isfinite(margins).all():
        return temperature
    median = float(np.median(margins))
    return min(temperature, float(np.log(len(margins) + 1)) / median) if median > 0 else temperature
