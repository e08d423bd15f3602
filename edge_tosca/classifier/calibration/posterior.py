"""Probabilities of classes: the router's, refined inside each task by the task's LuCA module.

P(class | x) = P(task | x) P(class | task, x). The router gives both factors. A module's opinion multiplies
the second, raised to a weight: a logarithmic opinion pool (Genest and Zidek, "Combining Probability
Distributions", 1986, section 3). The first stays, so a module cannot draw pictures of other tasks to its own
classes.
"""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array, log_softmax


def refine(log_posterior: Array, columns: slice, opinion: Array, weight: float) -> Array:
    """Pool a module's opinion with the router's, inside the module's task.

    Args:
        log_posterior: the router's log-probabilities, [n, g].
        columns: the task's groups.
        opinion: the module's log-probabilities up to a constant a picture, [n, k].
        weight: of the module; 0 leaves the router's probabilities.

    Returns:
        Log-probabilities of the task's groups, [n, k]; the total probability of each row is unchanged.
    """
    inside = log_posterior[:, columns]
    top = inside.max(axis=1, keepdims=True)
    total = top + np.log(np.exp(inside - top).sum(axis=1, keepdims=True))
    revised: Array = total + log_softmax(inside + weight * opinion)
    return revised


def by_label(log_posterior: Array, label_of_group: Sequence[int] | Array, labels: int) -> Array:
    """Add up the probabilities of groups that share a label.

    Args:
        log_posterior: log-probabilities of the groups, [n, g].
        label_of_group: index of each group's label.
        labels: number of labels.

    Returns:
        Probabilities, [n, labels].
    """
    probabilities: Array = np.exp(log_posterior)
    of = np.asarray(label_of_group)
    if len(of) == labels and (of == np.arange(labels)).all():
        return probabilities
    order = np.argsort(of, kind="stable")
    starts = np.flatnonzero(np.diff(of[order], prepend=-1))
    summed = np.zeros((len(probabilities), labels), probabilities.dtype)
    summed[:, of[order[starts]]] = np.add.reduceat(probabilities[:, order], starts, axis=1)
    return summed
