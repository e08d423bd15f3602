"""Which label each group bears: a class in several surroundings has several groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge_tosca.luca import Array


@dataclass(frozen=True)
class Labelling:
    """The labels of the groups.

    Attributes:
        of_group: index of each group's label, int [g].
        labels: number of labels.
    """

    of_group: Array
    labels: int

    @classmethod
    def of(cls, names: Sequence[str], labels: Sequence[str]) -> "Labelling":
        """Number labels.

        Args:
            names: label of each group.
            labels: all of them, each once.

        Returns:
            The labelling.
        """
        index = {label: place for place, label in enumerate(labels)}
        return cls(np.array([index[name] for name in names], int), len(labels))

    def groups(self, label: int) -> Array:
        """List the groups that bear a label.

        Args:
            label: its index.

        Returns:
            Increasing indices, int [k].
        """
        order, starts = self._by_label
        bearers: Array = order[starts[label] : starts[label + 1]]
        return bearers

    def shares(self, log_posterior: Array, groups: Array) -> tuple[Array, Array]:
        """Give the probabilities of some groups' labels.

        Args:
            log_posterior: of all groups, [g].
            groups: some of them, int [k].

        Returns:
            Their labels, increasing, int [l], and the probability of each over all groups that bear it, [l].
        """
        labels = np.unique(self.of_group[groups])
        if self.labels == len(self.of_group):
            return labels, np.exp(log_posterior[self._by_label[0][labels]])
        bearers = [self.groups(label) for label in labels.tolist()]
        ends = np.cumsum([len(some) for some in bearers])
        likely = np.exp(log_posterior[np.concatenate(bearers)])
        return labels, np.add.reduceat(likely, np.append(0, ends[:-1]))

    @cached_property
    def _by_label(self) -> tuple[Array, Array]:
        """The groups in the order of their labels, and where each label's groups begin."""
        counts = np.bincount(self.of_group, minlength=self.labels)
        return np.argsort(self.of_group, kind="stable"), np.append(0, np.cumsum(counts))
