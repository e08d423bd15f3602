"""Training pictures worth a second look: those that look mislabelled, and copies of other pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.lookalikes import Trial
from edge_tosca.luca import Array
from edge_tosca.state import State

TYPICAL_PRIOR = 50
"""The margin of a typical right answer is that of the new pictures, drawn towards that of all pictures as if
fifty of those were among them: a new class of ten hard pictures does not say what is typical."""

COPY = 0.97
"""Cosine of conditioned features from which two pictures count as one picture."""

_PROPOSED = 3


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
class Copies:
    """Copies among the pictures of the new task.

    Attributes:
        suspects: every copy, but not the picture it is a copy of.
        distinct: label to the number of pictures that are not copies of others of the same label.
        alike: label to the mean cosine between its new pictures; 1 for a single one.
        twins: label to the other label that most copies are of, and their share of the label's pictures.
    """

    suspects: tuple[Suspect, ...]
    distinct: dict[str, int]
    alike: dict[str, float]
    twins: dict[str, tuple[str, float]]


def mislabelled(trial: Trial, names: Mapping[int, Sequence[str]]) -> tuple[Suspect, ...]:
    """Name new pictures that are as surely another class as a typical picture is surely its own.

    Margins are compared with margins, so that neither the temperature nor the difficulty of a set matters:
    where classes are hard to tell apart, wrong answers are unsure; wrong labels make sure ones.

    Args:
        trial: of the new task.
        names: of the new pictures by group, in the order of their rows.

    Returns:
        The suspects, the surest first.
    """
    margins, new = trial.margins, trial.new
    right = margins > 0
    if not (right & new).any() or len(trial.labels) < 2:
        return ()
    count = int(new.sum())
    typical = (count * np.median(margins[right & new]) + TYPICAL_PRIOR * np.median(margins[right])) / (
        count + TYPICAL_PRIOR
    )
    found = np.flatnonzero(new & (margins <= -typical))
    return tuple(
        Suspect(
            names[int(trial.groups[place])][int(trial.rows[place])],
            f"looks like {trial.labels[trial.answers[place]]!r}",
        )
        for place in found[np.argsort(margins[found], kind="stable")]
    )


def find_copies(
    state: State, cached: Callable[[int], Array], trial: Trial, names: Mapping[int, Sequence[str]]
) -> Copies:
    """Find new pictures that are copies of others, of any class.

    Args:
        state: with the new task at its end.
        cached: conditioned features of a group by its index, float32 [n, d].
        trial: of the new task; older classes are compared only where it proposes them.
        names: of the new pictures by group, in the order of their rows.

    Returns:
        The copies.
    """
    groups = state.groups
    suspects: dict[str, Suspect] = {}
    distinct: dict[str, int] = {}
    alike: dict[str, float] = {}
    twins: dict[str, tuple[str, float]] = {}
    compared = [place for place in _proposed(state, trial, names) if place not in names]
    for group, known_as in names.items():
        label, z = groups[group].label, cached(group)
        alike[label] = _mean_cosine(z)
        first = _first_of_kind(z)
        copy = first < np.arange(len(z))
        for row in np.flatnonzero(copy).tolist():
            reason = f"is a copy of {known_as[int(first[row])]}"
            suspects[known_as[row]] = Suspect(known_as[row], reason)
        shares: dict[str, Array] = {}
        for other in [*compared, *(place for place in names if place != group)]:
            against = groups[other].label
            nearest = (z @ cached(other).T).max(axis=1)
            same = nearest >= COPY
            shares[against] = shares.get(against, np.zeros(len(z), bool)) | same
            for row in np.flatnonzero(same & ~copy).tolist():
                where = "just taught" if other in names else "known before"
                reason = f"is a copy of a picture of {against!r}, {where}"
                suspects.setdefault(known_as[row], Suspect(known_as[row], reason))
        again = shares.pop(label, np.zeros(len(z), bool))
        older = sum(g.images for place, g in enumerate(groups) if g.label == label and place not in names)
        distinct[label] = older + int((~copy & ~again).sum())
        if shares:
            twin, same = max(shares.items(), key=lambda item: int(item[1].sum()))
            twins[label] = (twin, float(same.mean()))
    return Copies(tuple(suspects.values()), distinct, alike, twins)


def _proposed(state: State, trial: Trial, names: Mapping[int, Sequence[str]]) -> list[int]:
    """List the groups in which copies are looked for: those that resemble a new picture at all."""
    tried = {int(group) for group in trial.groups[trial.new]}
    if tried != set(names):
        return list(range(len(state.groups)))
    top = np.argsort(-trial.posterior[trial.new], axis=1)[:, :_PROPOSED]
    labels = {trial.labels[int(label)] for label in np.unique(top)}
    labels |= {state.groups[group].label for group in names}
    return [place for place, group in enumerate(state.groups) if group.label in labels]


def _first_of_kind(z: Array) -> Array:
    """For each picture the first one that it is a copy of, through copies of copies; itself if none."""
    first = np.arange(len(z))
    for row in range(1, len(z)):
        same = np.flatnonzero(z[:row] @ z[row] >= COPY)
        if len(same):
            roots = first[same]
            first[np.isin(first, roots)] = roots.min()
            first[row] = roots.min()
    return first


def _mean_cosine(z: Array) -> float:
    if len(z) < 2:
        return 1.0
    total = z.sum(axis=0, dtype=np.float64)
    squares = float((z.astype(np.float64) ** 2).sum())
    return (float(total @ total) - squares) / (len(z) * (len(z) - 1))
