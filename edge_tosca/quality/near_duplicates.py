"""Find near duplicates among the pictures of a new task, of each other and of older pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.quality.confusions import HeldOutConfusions
from edge_tosca.results import SuspectImage
from edge_tosca.store.state import State

NEAR_DUPLICATE_COSINE = 0.97
"""Cosine of normalised features from which two pictures count as copies of one; docs/gate.md has the
evidence."""

_FEWEST_OF_A_CLASS = 3
_PROPOSED = 3


@dataclass(frozen=True)
class NearDuplicates:
    """Near duplicates among the pictures of the new task.

    Attributes:
        suspects: every copy, but not the picture it is a copy of.
        distinct: label to the number of pictures that are not copies of others of the same label.
        mean_cosine: label to the mean cosine between its new pictures, for three or more of them.
        copied_from: label to the other label that most copies are of, and their share of the label's
            pictures.
    """

    suspects: tuple[SuspectImage, ...]
    distinct: dict[str, int]
    mean_cosine: dict[str, float]
    copied_from: dict[str, tuple[str, float]]


def find_near_duplicates(
    state: State,
    features_of: Callable[[int], Array],
    confusions: HeldOutConfusions,
    names: Mapping[int, Sequence[str]],
) -> NearDuplicates:
    """Find new pictures that are near duplicates of others, of any class.

    Args:
        state: with the new task at its end.
        features_of: normalised features of a group by its index, float32 [n, d].
        confusions: held-out answers of the new task; older classes are compared only where these propose
            them.
        names: of the new pictures by group, in the order of their rows.

    Returns:
        The near duplicates.
    """
    groups = state.groups
    suspects: dict[str, SuspectImage] = {}
    distinct: dict[str, int] = {}
    mean_cosine: dict[str, float] = {}
    copied_from: dict[str, tuple[str, float]] = {}
    compared = [place for place in _proposed(state, confusions, names) if place not in names]
    # All new pictures at once, so that each older group is read once and not for every new one.
    every = np.concatenate([features_of(group) for group in names])
    to_older = {other: (every @ features_of(other).T).max(axis=1) for other in compared}
    start = 0
    for group, paths in names.items():
        label, z = groups[group].label, features_of(group)
        mine, start = slice(start, start + len(z)), start + len(z)
        if len(z) >= _FEWEST_OF_A_CLASS:
            mean_cosine[label] = _mean_cosine(z)
        first = _first_copy(z)
        copy = first < np.arange(len(z))
        for row in np.flatnonzero(copy).tolist():
            suspects[paths[row]] = SuspectImage(paths[row], f"is a copy of {paths[int(first[row])]}")
        copies: dict[str, Array] = {}
        for other in [*compared, *(place for place in names if place != group)]:
            against = groups[other].label
            cosines = to_older[other][mine] if other in to_older else (z @ features_of(other).T).max(axis=1)
            same = cosines >= NEAR_DUPLICATE_COSINE
            copies[against] = copies.get(against, np.zeros(len(z), bool)) | same
            for row in np.flatnonzero(same & ~copy).tolist():
                where = "just taught" if other in names else "known before"
                reason = f"is a copy of a picture of {against!r}, {where}"
                suspects.setdefault(paths[row], SuspectImage(paths[row], reason))
        again = copies.pop(label, np.zeros(len(z), bool))
        older = sum(g.images for place, g in enumerate(groups) if g.label == label and place not in names)
        distinct[label] = older + int((~copy & ~again).sum())
        if copies:
            source, same = max(copies.items(), key=lambda item: int(item[1].sum()))
            copied_from[label] = (source, float(same.mean()))
    return NearDuplicates(tuple(suspects.values()), distinct, mean_cosine, copied_from)


def _proposed(state: State, confusions: HeldOutConfusions, names: Mapping[int, Sequence[str]]) -> list[int]:
    """List the groups that are compared: those whose label is probable for a new picture."""
    held_out = {int(group) for group in confusions.groups[confusions.new]}
    if held_out != set(names):
        return list(range(len(state.groups)))
    top = np.argsort(-confusions.posterior[confusions.new], axis=1)[:, :_PROPOSED]
    labels = {confusions.labels[int(label)] for label in np.unique(top)}
    labels |= {state.groups[group].label for group in names}
    return [place for place, group in enumerate(state.groups) if group.label in labels]


def _first_copy(z: Array) -> Array:
    """Find for each picture the first one that it is a copy of, through copies of copies; itself if none."""
    first = np.arange(len(z))
    for row in range(1, len(z)):
        same = np.flatnonzero(z[:row] @ z[row] >= NEAR_DUPLICATE_COSINE)
        if len(same):
            roots = first[same]
            first[np.isin(first, roots)] = roots.min()
            first[row] = roots.min()
    return first


def _mean_cosine(z: Array) -> float:
    """Compute the mean cosine between different pictures."""
    total = z.sum(axis=0, dtype=np.float64)
    squares = float((z.astype(np.float64) ** 2).sum())
    return (float(total @ total) - squares) / (len(z) * (len(z) - 1))
