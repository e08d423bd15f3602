"""Held-out accuracy and confusions of classes, and pairs of classes that are hard to distinguish."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.features.sampling import evenly
from edge_tosca.quality.loo_ridge import LeaveOneOutRidge
from edge_tosca.results import Confusion
from edge_tosca.store.state import State

PAIR_PICTURES = 10
"""Pictures that each of two classes needs before the two are compared."""

_MOST_CONFUSIONS = 5
_MOST_OF_A_CLASS = 200
_PAIRS_TRIED = 2


@dataclass(frozen=True)
class ConfusablePair:
    """A new class and the class from which it is hardest to distinguish.

    Attributes:
        new: the class just taught.
        other: the other class.
        accuracy: leave-one-out accuracy between the two alone, each counting the same; 0.5 is chance.
        welch_t: separation of the two in standard errors; about 0 for two halves of one class.
        effective_pictures: n m / (n + m) for n and m pictures of the two.
    """

    new: str
    other: str
    accuracy: float
    welch_t: float
    effective_pictures: float


def welch_t(one: Array, other: Array) -> tuple[float, float]:
    """Compute how well two classes are separated, by leave-one-out margins of a ridge regression.

    Source: Welch, "The generalization of 'Student's' problem when several different population variances are
    involved", Biometrika 1947. The statistic is his t of the margins.

    Args:
        one: normalised features of a class, [n, d].
        other: of the other class, [m, d].

    Returns:
        The sum of the two mean margins in its standard errors, and the accuracy, each class counting the
        same. Two halves of one class have about 0 and 0.5.
    """
    n, m = len(one), len(other)
    margins, _ = LeaveOneOutRidge.of(np.concatenate([one, other])).margins(np.repeat([0, 1], [n, m]))
    sides = margins[:n], margins[n:]
    error = math.sqrt(sum(float(side.var(ddof=1)) / len(side) for side in sides))
    separation = sum(float(side.mean()) for side in sides) / max(error, 1e-9)
    return separation, sum(float((side > 0).mean()) for side in sides) / 2


@dataclass(frozen=True)
class HeldOutConfusions:
    """Held-out answers beside the true labels.

    Attributes:
        labels: all class names.
        label_of_group: class name of each group.
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
    def of(cls, state: State, held_out: HeldOut, new_groups: int = 0) -> "HeldOutConfusions":
        """Compare held-out answers with the true labels.

        Args:
            state: with the new task at its end.
            held_out: held-out answers under it.
            new_groups: number of groups of the new task.

        Returns:
            The comparison.
        """
        return cls(
            state.labels,
            tuple(group.label for group in state.groups),
            state.label_of_group[held_out.groups],
            held_out.groups >= len(state.groups) - new_groups,
            held_out.groups,
            held_out.rows,
            held_out.posterior,
        )

    @cached_property
    def answers(self) -> Array:
        """Index of the most probable label, int [n]."""
        return self.posterior.argmax(axis=1) if len(self.truth) else self.truth

    def accuracy_by_class(self, of: Array | None = None) -> dict[str, float]:
        """Compute the accuracy of every class.

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

    def confusable_pairs(self, features_of: Callable[[int], Array]) -> tuple[ConfusablePair, ...]:
        """Find for each new class the class from which it is hardest to distinguish.

        The candidates are the classes that held-out answers confuse it with. They are compared by margins,
        since an accuracy of few pictures says much less.

        Args:
            features_of: normalised features of a group by its index, float32 [n, d].

        Returns:
            At most one pair per new class, the hardest pair first.
        """
        fresh = [int(label) for label in np.unique(self.truth[self.new])]
        found = []
        for label in fresh:
            others = [other for other in range(len(self.labels)) if other not in fresh or other > label]
            candidates = self.most_confused(label, others, _PAIRS_TRIED)
            tried = [self._pair(label, other, features_of) for other in candidates]
            compared = [pair for pair in tried if pair is not None]
            if compared:
                found.append(min(compared, key=lambda pair: pair.welch_t))
        return tuple(sorted(found, key=lambda pair: pair.welch_t))

    def most_confused(self, label: int, others: Sequence[int], most: int) -> list[int]:
        """List the classes that held-out answers confuse most with a class.

        Args:
            label: index of the class.
            others: indices of the classes to choose from.
            most: how many to list at most.

        Returns:
            Their indices, the most confused first.
        """
        separated = self._separated(label)
        return sorted(others, key=lambda other: separated[other])[:most]

    def features(self, label: int, features_of: Callable[[int], Array]) -> Array:
        """Return features of a class over all its tasks, an even sample if there are very many.

        Args:
            label: index of the class.
            features_of: normalised features of a group by its index, float32 [n, d].

        Returns:
            float32 [n, d].
        """
        name = self.labels[label]
        groups = [group for group, of in enumerate(self.label_of_group) if of == name]
        z = np.concatenate([features_of(group) for group in groups])
        return z[evenly(len(z), _MOST_OF_A_CLASS)]

    def _pair(self, label: int, other: int, features_of: Callable[[int], Array]) -> ConfusablePair | None:
        one, two = self.features(label, features_of), self.features(other, features_of)
        n, m = len(one), len(two)
        if min(n, m) < PAIR_PICTURES:
            return None
        separation, accuracy = welch_t(one, two)
        return ConfusablePair(self.labels[label], self.labels[other], accuracy, separation, n * m / (n + m))

    def _separated(self, label: int) -> Array:
        """Compute how often a class and each other one are distinguished, [labels]: the mean of both ways.

        Among very many classes some have no held-out picture; for those only the class's own pictures count.
        """
        counts = np.bincount(self.truth, minlength=len(self.labels))
        rows = self.posterior[self.truth == label]
        own = (rows[:, label, None] > rows).mean(axis=0)
        right = self.posterior[np.arange(len(self.truth)), self.truth] > self.posterior[:, label]
        theirs = np.bincount(self.truth, right, len(self.labels)) / np.maximum(counts, 1)
        shares: Array = 0.5 * (own + np.where(counts > 0, theirs, own))
        return shares
