"""Running sums over cached features, from which the router is solved; adding and removing are exact."""

from dataclasses import dataclass

import numpy as np

from edge_tosca.luca import Array


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of a set of groups (a group: the pictures of one class in one task).

    Every entry is a sum of multiples of 2^-30 (see conditioning.GRID) and exact in float64.

    Attributes:
        counts: pictures of each group, int64 [g].
        sums: sum of each group's conditioned features, float64 [g, d].
        gram: sum over all pictures of z z', float64 [d, d].
    """

    counts: Array
    sums: Array
    gram: Array

    @classmethod
    def empty(cls, d: int) -> "Statistics":
        """The statistics of nothing.

        Args:
            d: width of a feature.

        Returns:
            Statistics of no group.
        """
        return cls(np.zeros(0, np.int64), np.zeros((0, d)), np.zeros((d, d)))

    def with_group(self, z: Array) -> "Statistics":
        """Add a group at the end.

        Args:
            z: conditioned features, [n, d].

        Returns:
            New statistics.
        """
        exact = z.astype(np.float64)
        return Statistics(
            np.append(self.counts, len(z)),
            np.concatenate([self.sums, exact.sum(axis=0, keepdims=True)]),
            self.gram + exact.T @ exact,
        )

    def without_group(self, index: int, z: Array) -> "Statistics":
        """Take a group out again.

        Args:
            index: its position.
            z: the very features it was added with, [n, d].

        Returns:
            New statistics, equal to the last bit to those that never had the group.
        """
        exact = z.astype(np.float64)
        return Statistics(
            np.delete(self.counts, index),
            np.delete(self.sums, index, axis=0),
            self.gram - exact.T @ exact,
        )

    @property
    def means(self) -> Array:
        """Mean of each group, float64 [g, d]."""
        return self.sums / self.counts[:, None]

    def within_scatter(self) -> Array:
        """Sum over all pictures of (z - its group's mean)(z - its group's mean)'.

        Returns:
            float64 [d, d].
        """
        scaled = self.sums / np.sqrt(self.counts)[:, None]
        return self.gram - scaled.T @ scaled

    def total_scatter(self) -> Array:
        """Sum over all pictures of (z - the mean of all)(z - the mean of all)'.

        Returns:
            float64 [d, d].
        """
        total = self.sums.sum(axis=0)
        return self.gram - np.outer(total, total) / self.counts.sum()
