"""Training pictures worth a second look: those that look mislabelled, and copies of other pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.sampling import evenly
from edge_tosca.quality.confusions import Trial
from edge_tosca.quality.label_errors import STRANGE_GAIN, relabel, strangers
from edge_tosca.results import SuspectImage
from edge_tosca.store.state import State

CONFIDENT = 0.9
"""Probability from which a left-out picture that is taken for an old class looks mislabelled."""

COPY = 0.97
"""Cosine of conditioned features from which two pictures count as one picture."""

_MOST_CHECKED = 2000
_FEWEST_OF_A_CLASS = 3
_FEWEST_ASKED = 5
_OLD_CLASSES_ASKED = 5
_PROPOSED = 3


@dataclass(frozen=True)
class Mislabelled:
    """New pictures that look like another class.

    Attributes:
        among_new: those that look like another new class, the surest first.
        like_old: those that look like an old class.
        contradicted: other labels, new or old, would fit the new pictures better than chance explains.
    """

    among_new: tuple[SuspectImage, ...]
    like_old: tuple[SuspectImage, ...]
    contradicted: bool


@dataclass(frozen=True)
class Copies:
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


def mislabelled(
    cached: Callable[[int], Array], trial: Trial, names: Mapping[int, Sequence[str]]
) -> Mislabelled:
    """Name new pictures that look like another class.

    Where the labels as a whole are contradicted, these are all that other labels would fit better; where they
    are not, the few that are surely another class.

    Args:
        cached: conditioned features of a group by its index, float32 [n, d].
        trial: of the new task.
        names: of the new pictures by group, in the order of their rows.

    Returns:
        The pictures.
    """
    order, most = list(names), _most_of_a_class(names)
    label = {group: trial.label_of_group[group] for group in order}
    suspects: dict[str, SuspectImage] = {}
    old: dict[str, SuspectImage] = {}
    contradicted = False
    counted = [group for group in order if len(names[group]) >= _FEWEST_OF_A_CLASS]
    if len(counted) > 1:
        rows = [evenly(len(names[group]), most) for group in counted]
        z = np.concatenate([cached(group)[some] for group, some in zip(counted, rows, strict=True)])
        truth = np.repeat(np.arange(len(counted)), [len(some) for some in rows])
        known_as = [names[group][row] for group, some in zip(counted, rows, strict=True) for row in some]
        found = relabel(z, truth)
        contradicted = found.contradicted
        answers = found.labels if contradicted else found.answers
        places = np.flatnonzero(found.moved if contradicted else found.sure)
        for place in places[np.argsort(found.margins[places], kind="stable")]:
            path = known_as[place]
            suspects[path] = SuspectImage(path, f"looks like {label[counted[answers[place]]]!r}")
    fresh = {trial.labels.index(name) for name in label.values()}
    known = [place for place in range(len(trial.labels)) if place not in fresh]
    for group in order:
        checked = evenly(len(names[group]), most)
        strange, of = _of_old(cached(group)[checked], trial, trial.labels.index(label[group]), known, cached)
        contradicted |= bool(strange.any())
        for path in (names[group][row] for row in checked[strange]):
            if path not in suspects:
                old[path] = SuspectImage(path, f"looks like {of!r}")
    confident = trial.posterior.max(axis=1, initial=0) >= CONFIDENT
    for place in np.flatnonzero(trial.new & confident & (trial.answers != trial.truth)):
        if int(trial.answers[place]) not in fresh:
            path = names[int(trial.groups[place])][int(trial.rows[place])]
            if path not in suspects and path not in old:
                old[path] = SuspectImage(path, f"looks like {trial.labels[trial.answers[place]]!r}")
    return Mislabelled(tuple(suspects.values()), tuple(old.values()), contradicted)


def _of_old(
    new: Array, trial: Trial, label: int, known: Sequence[int], cached: Callable[[int], Array]
) -> tuple[Array, str]:
    """Find pictures of a new class that are surely some old one's, bool [n], and that one's name."""
    strange, of, most = np.zeros(len(new), bool), "", STRANGE_GAIN
    asked = trial.nearest(label, known, _OLD_CLASSES_ASKED) if len(new) >= _FEWEST_ASKED else []
    for other in asked:
        features = trial.features(other, cached)
        if len(features) < _FEWEST_ASKED:
            continue
        moved, gain = strangers(new, features)
        if gain > most:
            strange, of, most = moved, trial.labels[other], gain
    return strange, of


def pictures_checked(names: Mapping[int, Sequence[str]]) -> int:
    """Say how many new pictures `mislabelled` looks at.

    Args:
        names: of the new pictures by group.

    Returns:
        All of them, or an even sample of about 2000.
    """
    most = _most_of_a_class(names)
    return sum(min(len(some), most) for some in names.values())


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
    return Copies(tuple(suspects.values()), distinct, alike, twins)


def _most_of_a_class(names: Mapping[int, Sequence[str]]) -> int:
    return max(_FEWEST_OF_A_CLASS, _MOST_CHECKED // len(names))


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
    total = z.sum(axis=0, dtype=np.float64)
    squares = float((z.astype(np.float64) ** 2).sum())
    return (float(total @ total) - squares) / (len(z) * (len(z) - 1))
