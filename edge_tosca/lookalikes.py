"""What left-out pictures were taken for: accuracies, confusions, and classes that cannot be told apart."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edge_tosca.luca import Array
from edge_tosca.router import LeftOut
from edge_tosca.state import State

LEAST_PROBABILITY = 1e-30
"""Smaller probabilities count as this one, so that a margin is finite."""

PAIR_PICTURES = 8
"""Left-out pictures that two classes need together before anything is said of the pair."""

_MOST_CONFUSIONS = 5


@dataclass(frozen=True)
class Confusion:
    """Pictures of one class that were taken for another.

    Attributes:
        truth: the class they were taught as.
        answer: the class they were taken for.
        count: how many.
    """

    truth: str
    answer: str
    count: int


@dataclass(frozen=True)
class Lookalike:
    """A new class and the class that it is hardest to tell from.

    Attributes:
        new: the class just taught.
        other: the other one.
        apart: accuracy if only these two were to choose from, each class counting the same; 0.5 is chance.
        known: the other one was known before.
    """

    new: str
    other: str
    apart: float
    known: bool


@dataclass(frozen=True)
class Trial:
    """Left-out pictures and what was said of them.

    Attributes:
        labels: all class names.
        truth: index of each picture's label, int [n].
        new: whether it belongs to the task just taught, bool [n].
        groups: its group, int [n].
        rows: its place in the group, int [n].
        posterior: probabilities of the labels, [n, labels].
    """

    labels: tuple[str, ...]
    truth: Array
    new: Array
    groups: Array
    rows: Array
    posterior: Array

    @classmethod
    def of(cls, state: State, left_out: LeftOut, new_groups: int = 0) -> "Trial":
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
        return cls(state.labels, truth, new, left_out.groups, left_out.rows, left_out.posterior)

    @cached_property
    def answers(self) -> Array:
        """Index of the most probable label, int [n]."""
        return self.posterior.argmax(axis=1) if len(self.truth) else self.truth

    @cached_property
    def margins(self) -> Array:
        """Logarithm of how much more probable the true label is than the best other one, [n]."""
        if not len(self.truth) or len(self.labels) < 2:
            return np.full(len(self.truth), np.inf)
        logs = np.log(np.maximum(self.posterior, LEAST_PROBABILITY))
        every = np.arange(len(logs))
        own = logs[every, self.truth]
        logs[every, self.truth] = -np.inf
        margins: Array = own - logs.max(axis=1)
        return margins

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

    def lookalikes(self) -> tuple[Lookalike, ...]:
        """Find for each new class the other class that it is hardest to tell from, the hardest pair first."""
        fresh = [int(label) for label in np.unique(self.truth[self.new])]
        known = set(self.truth[~self.new].tolist()) - set(fresh)
        found = []
        for label in fresh:
            own = self.truth == label
            others = [int(o) for o in np.unique(self.truth) if o != label and (o in known or o > label)]
            pairs = [
                (self._apart(label, o), o) for o in others if (own | (self.truth == o)).sum() >= PAIR_PICTURES
            ]
            if pairs:
                apart, other = min(pairs)
                found.append(Lookalike(self.labels[label], self.labels[other], apart, other in known))
        return tuple(sorted(found, key=lambda pair: pair.apart))

    def _apart(self, one: int, other: int) -> float:
        shares = []
        for label, rival in ((one, other), (other, one)):
            rows = self.posterior[self.truth == label]
            shares.append(float((rows[:, label] > rows[:, rival]).mean()))
        return sum(shares) / 2
