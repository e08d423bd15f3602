"""What left-out pictures were taken for: accuracies, confusions, and classes that cannot be told apart."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.features.sampling import evenly
from edge_tosca.quality.loo_ridge import LeftOutRidge
from edge_tosca.results import Confusion
from edge_tosca.store.state import State

PAIR_PICTURES = 10
"""Pictures that each of two classes needs before anything is said of the pair."""

_MOST_CONFUSIONS = 5
_MOST_OF_A_CLASS = 200
_PAIRS_TRIED = 2


@dataclass(frozen=True)
class ConfusablePair:
    """A new class and the class that it is hardest to tell from.

    Attributes:
        new: the class just taught.
        other: the other one.
        right: share of left-out pictures that are right if only these two are to choose from, each class
            counting the same; 0.5 is chance.
        apart: standard errors by which the answers for the two differ; one thing has about none.
        pictures: of the two, that were tried: n m / (n + m) for n and m of them.
    """

    new: str
    other: str
    right: float
    apart: float
    pictures: float


def standard_errors_apart(one: Array, other: Array) -> tuple[float, float]:
    """Ask a ridge regression on two classes about each of their pictures, left out.

    Source: the statistic is Welch's t ("The generalization of 'Student's' problem when several different
    population variances are involved", 1947) of the margins.

    Args:
        one: conditioned features, [n, d].
        other: [m, d].

    Returns:
        By how many standard errors the margins tell the two apart, and the share of right answers, each class
        counting the same. Pictures of one thing are about 0 apart and half right.
    """
    n, m = len(one), len(other)
    margins, _ = LeftOutRidge.of(np.concatenate([one, other])).margins(np.repeat([0, 1], [n, m]))
    sides = margins[:n], margins[n:]
    error = math.sqrt(sum(float(side.var(ddof=1)) / len(side) for side in sides))
    apart = sum(float(side.mean()) for side in sides) / max(error, 1e-9)
    return apart, sum(float((side > 0).mean()) for side in sides) / 2


@dataclass(frozen=True)
class HeldOutConfusions:
    """Left-out pictures and what was said of them.

    Attributes:
        labels: all class names.
        label_of_group: label of each group.
        truth: index of each picture's label, int [n].
        new: whether it belongs to the task just taught, bool [n].
        groups: its group, int [n].
        rows: its place in the group, int [n].
        posterior: probabilities of the labels, [n, labels].
    """

    labels: tuple[str, ...]
    label_of_group: tuple[str, ...]
    truth: Array
    new: Array
    groups: Array
    rows: Array
    posterior: Array

    @classmethod
    def of(cls, state: State, left_out: HeldOut, new_groups: int = 0) -> "HeldOutConfusions":
        """Put left-out answers beside the truth.

        Args:
            state: the new task at its end.
            left_out: answers under that state.
            new_groups: number of groups of the new task.

        Returns:
            The trial.
        """
        index = {label: place for place, label in enumerate(state.labels)}
        of_group = np.array([index[group.label] for group in state.groups], int)
        new = left_out.groups >= len(state.groups) - new_groups
        truth = of_group[left_out.groups]
        return cls(
            state.labels,
            tuple(group.label for group in state.groups),
            truth,
            new,
            left_out.groups,
            left_out.rows,
            left_out.posterior,
        )

    @cached_property
    def answers(self) -> Array:
        """Index of the most probable label, int [n]."""
        return self.posterior.argmax(axis=1) if len(self.truth) else self.truth

    def accuracy_by_class(self, of: Array | None = None) -> dict[str, float]:
        """Give the share of right answers by class.

        Args:
            of: the pictures to count, bool [n]; all by default.

        Returns:
            Label to accuracy, for the labels that have such pictures.
        """
        right = self.answers == self.truth
        counted = np.ones(len(right), bool) if of is None else of
        return {
            self.labels[label]: float(right[counted & (self.truth == label)].mean())
            for label in np.unique(self.truth[counted])
        }

    def confusions(self) -> tuple[Confusion, ...]:
        """List the most frequent confusions, the worst first."""
        wrong = self.answers != self.truth
        pairs = zip(self.truth[wrong], self.answers[wrong], strict=True)
        most = Counter(pairs).most_common(_MOST_CONFUSIONS)
        return tuple(Confusion(self.labels[t], self.labels[a], n) for (t, a), n in most)

    def lookalikes(self, cached: Callable[[int], Array]) -> tuple[ConfusablePair, ...]:
        """Find for each new class the other class that it is hardest to tell from, the hardest pair first.

        The candidates are those that the left-out answers confuse it with. They are compared by margins: a
        count of right answers tells much less on few pictures.

        Args:
            cached: conditioned features of a group by its index, float32 [n, d].

        Returns:
            The pairs.
        """
        fresh = [int(label) for label in np.unique(self.truth[self.new])]
        found = []
        for label in fresh:
            others = [other for other in range(len(self.labels)) if other not in fresh or other > label]
            tried = [self._pair(label, other, cached) for other in self.nearest(label, others, _PAIRS_TRIED)]
            judged = [pair for pair in tried if pair is not None]
            if judged:
                found.append(min(judged, key=lambda pair: pair.apart))
        return tuple(sorted(found, key=lambda pair: pair.apart))

    def nearest(self, label: int, others: Sequence[int], most: int) -> list[int]:
        """Name the classes that a class is hardest to tell from.

        Args:
            label: of the class, by its index.
            others: to choose from, by their indices.
            most: how many to name at most.

        Returns:
            Some of them, the hardest first.
        """
        confused = self._confused(label)
        return sorted(others, key=lambda other: confused[other])[:most]

    def features(self, label: int, cached: Callable[[int], Array]) -> Array:
        """Give features of a class, spread evenly where there are very many.

        Args:
            label: of the class, by its index.
            cached: conditioned features of a group by its index, float32 [n, d].

        Returns:
            float32 [n, d].
        """
        name = self.labels[label]
        groups = [place for place, of in enumerate(self.label_of_group) if of == name]
        z = np.concatenate([cached(group) for group in groups])
        return z[evenly(len(z), _MOST_OF_A_CLASS)]

    def _pair(self, label: int, other: int, cached: Callable[[int], Array]) -> ConfusablePair | None:
        one, two = self.features(label, cached), self.features(other, cached)
        n, m = len(one), len(two)
        if min(n, m) < PAIR_PICTURES:
            return None
        apart, right = standard_errors_apart(one, two)
        return ConfusablePair(self.labels[label], self.labels[other], right, apart, n * m / (n + m))

    def _confused(self, label: int) -> Array:
        """Say how often a label and each other one are told apart, [labels]: the mean of both ways.

        Of very many classes not every one has pictures that were left out: then the label's own ones decide.
        """
        counts = np.bincount(self.truth, minlength=len(self.labels))
        rows = self.posterior[self.truth == label]
        kept = (rows[:, label, None] > rows).mean(axis=0)
        right = self.posterior[np.arange(len(self.truth)), self.truth] > self.posterior[:, label]
        told = np.bincount(self.truth, right, len(self.labels)) / np.maximum(counts, 1)
        shares: Array = 0.5 * (kept + np.where(counts > 0, told, kept))
        return shares
