"""The quality gate: did learning work, judged on cached pictures that were left out one by one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge_tosca.router import LeftOut
from edge_tosca.state import State

WARN_BELOW = 0.7
"""Accuracy of the new classes under which the gate warns."""

WARN_LOSS = 0.05
"""Loss of accuracy of the old classes above which the gate warns."""

SUSPECT_CONFIDENCE = 0.9
"""A picture that is given to another class with this probability is named as a suspect."""

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
class Suspect:
    """A training picture worth a second look.

    Attributes:
        path: of the picture.
        reason: why.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class GateReport:
    """What the gate says of one `learn`. Accuracies are of single pictures, each left out in turn.

    Attributes:
        verdict: "accept", "warn" or "reject".
        accuracy_new: of the classes just taught; None where no picture could be left out.
        accuracy_old_before: of the classes known before, before; None if there were none.
        accuracy_old_after: of the same classes, now.
        confusions: the most frequent ones, the worst first.
        suspects: training pictures that look mislabelled.
    """

    verdict: Literal["accept", "warn", "reject"]
    accuracy_new: float | None
    accuracy_old_before: float | None
    accuracy_old_after: float | None
    confusions: tuple[Confusion, ...]
    suspects: tuple[Suspect, ...]


def judge(
    state: State, left_out: LeftOut, new_groups: int, names: Mapping[str, Sequence[str]], before: float | None
) -> GateReport:
    """Judge the last task of a state.

    Args:
        state: with the new task at its end.
        left_out: leave-one-out answers under that state.
        new_groups: number of groups of the new task.
        names: names of the new pictures by label, in the order of their cached features.
        before: accuracy of the old classes before; None if there were none.

    Returns:
        The report.
    """
    labels, groups = state.labels, state.groups
    truth = np.array([labels.index(groups[group].label) for group in left_out.groups], int)
    answers = left_out.posterior.argmax(axis=1) if len(truth) else truth
    confident = left_out.posterior.max(axis=1, initial=0) >= SUSPECT_CONFIDENCE
    right = answers == truth
    new = left_out.groups >= len(groups) - new_groups
    accuracy_new, after = _share(right[new]), _share(right[~new])
    confusions = Counter((labels[t], labels[a]) for t, a in zip(truth[~right], answers[~right], strict=True))
    suspects = tuple(
        Suspect(names[labels[truth[place]]][left_out.rows[place]], f"looks like {labels[answers[place]]!r}")
        for place in np.flatnonzero(new & ~right & confident)
    )
    weak = accuracy_new is not None and accuracy_new < WARN_BELOW
    harmed = before is not None and after is not None and before - after > WARN_LOSS
    return GateReport(
        verdict="warn" if weak or harmed else "accept",
        accuracy_new=accuracy_new,
        accuracy_old_before=before,
        accuracy_old_after=after if before is not None else None,
        confusions=tuple(Confusion(*pair, n) for pair, n in confusions.most_common(_MOST_CONFUSIONS)),
        suspects=suspects,
    )


def left_out_accuracy(state: State, left_out: LeftOut) -> float | None:
    """Accuracy over all sampled pictures.

    Args:
        state: the state.
        left_out: leave-one-out answers under it.

    Returns:
        In 0 .. 1; None where no picture could be left out.
    """
    truth = np.array([state.labels.index(state.groups[group].label) for group in left_out.groups], int)
    return _share(left_out.posterior.argmax(axis=1) == truth) if len(truth) else None


def _share(right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float | None:
    return float(right.mean()) if len(right) else None
