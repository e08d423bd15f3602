"""Training pictures worth a second look: those that look mislabelled, and copies of other pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.quality.confusions import HeldOutConfusions
from edge_tosca.results import SuspectImage
from edge_tosca.store.state import State

COPY = 0.97
"""Cosine of conditioned features from which two pictures count as one picture."""

_FEWEST_OF_A_CLASS = 3
_PROPOSED = 3


@dataclass(frozen=True)
class NearDuplicates:
    """Copies among the pictures of the new task.

    Attributes:
        suspects: every copy, but not the picture it is a copy of.
        distinct: label to the number of pictures that are not copies of others of the same label.
        alike: label to the mean cosine between its new pictures, for three or more of them.
        twins: label to the other label that most copies are of, and their share of the label's pictures.
    """

    suspects: tuple[SuspectImage, ...]
    distinct: dict[str, int]
    alike: dict[str, float]
    twins: dict[str, tuple[str, float]]


def find_near_duplicates(
    state: State, cached: Callable[[int], Array], trial: HeldOutConfusions, names: Mapping[int, Sequence[str]]
) -> NearDuplicates:
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
    suspects: dict[str, SuspectImage] = {}
    distinct: dict[str, int] = {}
    alike: dict[str, float] = {}
    twins: dict[str, tuple[str, float]] = {}
    compared = [place for place in _proposed(state, trial, names) if place not in names]
    # All new pictures at once, so that each older group is read once and not for every new one.
    every = np.concatenate([cached(group) for group in names])
    to_older = {other: (every @ cached(other).T).max(axis=1) for other in compared}
    start = 0
    for group, known_as in names.items():
        label, z = groups[group].label, cached(group)
        mine, start = slice(start, start + len(z)), start + len(z)
        if len(z) >= _FEWEST_OF_A_CLASS:
            alike[label] = _mean_cosine(z)
        first = _first_of_kind(z)
        copy = first < np.arange(len(z))
        for row in np.flatnonzero(copy).tolist():
            reason = f"is a copy of {known_as[int(first[row])]}"
            suspects[known_as[row]] = SuspectImage(known_as[row], reason)
        shares: dict[str, Array] = {}
        for other in [*compared, *(place for place in names if place != group)]:
            against = groups[other].label
            nearest = to_older[other][mine] if other in to_older else (z @ cached(other).T).max(axis=1)
            same = nearest >= COPY
            shares[against] = shares.get(against, np.zeros(len(z), bool)) | same
            for row in np.flatnonzero(same & ~copy).tolist():
                where = "just taught" if other in names else "known before"
                reason = f"is a copy of a picture of {against!r}, {where}"
                suspects.setdefault(known_as[row], SuspectImage(known_as[row], reason))
        again = shares.pop(label, np.zeros(len(z), bool))
        older = sum(g.images for place, g in enumerate(groups) if g.label == label and place not in names)
        distinct[label] = older + int((~copy & ~again).sum())
        if shares:
            twin, same = max(shares.items(), key=lambda item: int(item[1].sum()))
            twins[label] = (twin, float(same.mean()))
    return NearDuplicates(tuple(suspects.values()), distinct, alike, twins)


def _proposed(state: State, trial: HeldOutConfusions, names: Mapping[int, Sequence[str]]) -> list[int]:
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
    total = z.sum(axis=0, dtype=np.float64)
    squares = float((z.astype(np.float64) ** 2).sum())
    return (float(total @ total) - squares) / (len(z) * (len(z) - 1))
