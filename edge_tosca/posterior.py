"""Probabilities over classes: the router's, refined inside each task by the task's LuCA module.

P(class | x) = P(task | x) P(class | task, x). The router gives the first factor and a first opinion on
the second; a module's opinion multiplies it, raised to a weight (a logarithmic opinion pool; Genest and
Zidek, "Combining Probability Distributions", 1986, section 3). No module can move probability into its
own task, so one that meets a stranger's picture does no harm there.
"""

from collections.abc import Sequence

import numpy as np

from edge_tosca.luca import Array


def log_softmax(scores: Array) -> Array:
    """Normalise scores to log-probabilities.

    Args:
        scores: [n, k].

    Returns:
        [n, k], each row's exponentials summing to 1.
    """
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def refine(log_posterior: Array, columns: slice, opinion: Array, weight: float) -> Array:
    """Let a module revise how its task's probability is shared among the task's groups.

    Args:
        log_posterior: the router's log-probabilities, [n, g].
        columns: the task's groups.
        opinion: the module's log-probabilities, [n, k].
        weight: how much the module counts; 0 leaves the router's opinion.

    Returns:
        Log-probabilities of the task's groups, [n, k]; their total per row is as before.
    """
    inside = log_posterior[:, columns]
    top = inside.max(axis=1, keepdims=True)
    total = top + np.log(np.exp(inside - top).sum(axis=1, keepdims=True))
    revised: Array = total + log_softmax(inside + weight * opinion)
    return revised


def by_label(log_posterior: Array, label_of_group: Sequence[int], labels: int) -> Array:
    """Add up the probabilities of groups that share a label.

    Args:
        log_posterior: [n, g].
        label_of_group: index of each group's label.
        labels: number of labels.

    Returns:
        Probabilities, [n, labels].
    """
    onehot = np.zeros((len(label_of_group), labels), log_posterior.dtype)
    onehot[np.arange(len(label_of_group)), list(label_of_group)] = 1
    summed: Array = np.exp(log_posterior) @ onehot
    return summed


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
    base = 0.0 if offset is None else offset

    def loss(factor: float) -> float:
        right = np.sum(np.exp(log_softmax(scores * factor + base)), axis=1, where=truth)
        return -float(np.log(np.maximum(right, 1e-300)).mean())

    losses = [loss(factor) for factor in factors]
    best = int(np.argmin(losses))
    return float(factors[best]), losses[best]
