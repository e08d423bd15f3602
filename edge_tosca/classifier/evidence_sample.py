"""Held-out pictures on which the evidence beside the discriminant is judged."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array, log_softmax

WEIGHTS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0)
"""Candidate weights of an opinion; the one with the least log-loss is kept."""


@dataclass(frozen=True)
class TaskColumns:
    """The columns of a task's groups, and its module's opinion of held-out pictures.

    Attributes:
        columns: the task's groups.
        opinion: log-probabilities, [n, k], rows in the order of groups and pictures; NaN for a picture that
            could not be held out; None for a task of one class, whose module has no opinion.
        votes: whether its pictures vote if there are enough of them.
    """

    columns: slice
    opinion: Array | None
    votes: bool = False


@dataclass(frozen=True)
class Sample:
    """Held-out pictures.

    Attributes:
        log_posterior: the router's log-probabilities of the groups, [n, g].
        z: features as the router reads them, float32 [n, d].
        groups: true group of each picture, int [n].
        rows: place of each in its group, int [n].
        blocks: number of the block of each, int [n].
    """

    log_posterior: Array
    z: Array
    groups: Array
    rows: Array
    blocks: Array

    def of_task(self, columns: slice) -> Array:
        """Return the places of a task's pictures, int [m]."""
        return np.flatnonzero((self.groups >= columns.start) & (self.groups < columns.stop))

    def gains(self, index: Array, columns: slice, opinion: Array, weights: Sequence[float]) -> Array:
        """Compute by how much an opinion raises the log-probability of the true group inside its task.

        Args:
            index: places of the pictures, int [m].
            columns: the task's groups.
            opinion: of these pictures, [m, k].
            weights: of the opinion.

        Returns:
            [weights, m].
        """
        truth, every = self.groups[index] - columns.start, np.arange(len(index))
        inside = self.log_posterior[index, columns]
        refined = [log_softmax(inside + weight * opinion)[every, truth] for weight in weights]
        gains: Array = np.stack(refined) - log_softmax(inside)[every, truth]
        return gains

    def fewer_errors(self, index: Array, columns: slice, opinion: Array, weight: float) -> Array:
        """Compute which errors inside its task an opinion mends and makes; arguments as for `gains`.

        Returns:
            1, 0 or -1 for each picture, int [m].
        """
        truth, inside = self.groups[index] - columns.start, self.log_posterior[index, columns]
        right = (inside + weight * opinion).argmax(axis=1) == truth
        difference: Array = right.astype(int) - (inside.argmax(axis=1) == truth)
        return difference
