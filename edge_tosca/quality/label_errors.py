"""Find pictures of a new task that look mislabelled, by relabelling doubtful ones and measuring the gain.

Wrong labels weaken the responses for all pictures, so correcting them gains much. Where classes are merely
hard, little is gained. Doubtful pictures are found as in confident learning (Northcutt, Jiang, Chuang,
"Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021), from the responses to held-out
pictures.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.sampling import evenly
from edge_tosca.quality.confusions import HeldOutConfusions
from edge_tosca.quality.loo_ridge import LeaveOneOutRidge
from edge_tosca.results import SuspectImage

DOUBTFUL = 0.45
"""A picture is relabelled if its margin for another class is at least this part of the median correct
margin."""

AS_SURE = 0.75
"""The same part, from which a picture is a suspect although the labels as a whole fit."""

CHANCE = 0.2
"""Gain by chance for each relabelled picture where there are many classes; with two classes it is 1 / 2."""

CLEAN_GAIN = 0.13
"""Gain beyond chance that 99.5 % of clean tasks stay below; docs/gate.md has the share for each size."""

OLD_CLASS_GAIN = 0.27
"""Gain of a new class from giving some of its pictures to an old one, which clean classes stay below."""

CONFIDENT = 0.9
"""Probability from which a held-out picture that is taken for an old class is a suspect."""

_ROUNDS = 5

_LEAST_SHARE = 0.3
"""Share of a new class that stays: one that is an old class as a whole is for `confusable_pairs` to find."""

_NEW_PER_OLD = 1.25
"""New pictures in a part for each old one."""

_SEPARABLE = 0.75
"""Accuracy between two classes below which nothing is relabelled: any part of one could be given to the
other."""

_MOST_CHECKED = 2000
_FEWEST_OF_A_CLASS = 3
_FEWEST_COMPARED = 5
_OLD_CLASSES_COMPARED = 5


@dataclass(frozen=True)
class LabelErrors:
    """New pictures that look like another class.

    Attributes:
        among_new: those that look like another new class, the clearest first.
        like_old: those that look like an old class.
        contradicted: other labels, new or old, would fit the new pictures better than chance explains.
    """

    among_new: tuple[SuspectImage, ...]
    like_old: tuple[SuspectImage, ...]
    contradicted: bool


@dataclass(frozen=True)
class Relabelling:
    """Corrected labels of some pictures.

    Attributes:
        labels: the corrected labels, int [n].
        moved: whether a label was changed, bool [n].
        sure: whether a picture clearly contradicts its label before any is changed, bool [n].
        margins: response of each picture's class minus the largest other response, before any change, [n].
        answers: class of that other response, int [n].
        gain: of the mean margin, less what relabelling gains by chance.
        contradicted: the gain is larger than clean tasks show.
    """

    labels: Array
    moved: Array
    sure: Array
    margins: Array
    answers: Array
    gain: float
    contradicted: bool


def find_label_errors(
    features_of: Callable[[int], Array], confusions: HeldOutConfusions, names: Mapping[int, Sequence[str]]
) -> LabelErrors:
    """Find new pictures that look like another class.

    Where the labels as a whole are contradicted, these are all pictures that other labels would fit better;
    otherwise the few that clearly belong to another class.

    Args:
        features_of: normalised features of a group by its index, float32 [n, d].
        confusions: held-out answers of the new task.
        names: of the new pictures by group, in the order of their rows.

    Returns:
        The suspects.
    """
    order, most = list(names), _most_of_a_class(names)
    label = {group: confusions.label_of_group[group] for group in order}
    among_new: dict[str, SuspectImage] = {}
    like_old: dict[str, SuspectImage] = {}
    contradicted = False
    counted = [group for group in order if len(names[group]) >= _FEWEST_OF_A_CLASS]
    if len(counted) > 1:
        rows = [evenly(len(names[group]), most) for group in counted]
        z = np.concatenate([features_of(group)[some] for group, some in zip(counted, rows, strict=True)])
        truth = np.repeat(np.arange(len(counted)), [len(some) for some in rows])
        paths = [names[group][row] for group, some in zip(counted, rows, strict=True) for row in some]
        found = relabel(z, truth)
        contradicted = found.contradicted
        answers = found.labels if contradicted else found.answers
        places = np.flatnonzero(found.moved if contradicted else found.sure)
        for place in places[np.argsort(found.margins[places], kind="stable")]:
            path = paths[place]
            among_new[path] = SuspectImage(path, f"looks like {label[counted[answers[place]]]!r}")
    fresh = {confusions.labels.index(name) for name in label.values()}
    old = [place for place in range(len(confusions.labels)) if place not in fresh]
    for group in order:
        checked = evenly(len(names[group]), most)
        new_label = confusions.labels.index(label[group])
        moved, old_label = _of_old_class(features_of(group)[checked], confusions, new_label, old, features_of)
        contradicted |= bool(moved.any())
        for path in (names[group][row] for row in checked[moved]):
            if path not in among_new:
                like_old[path] = SuspectImage(path, f"looks like {old_label!r}")
    confident = confusions.posterior.max(axis=1, initial=0) >= CONFIDENT
    for place in np.flatnonzero(confusions.new & confident & (confusions.answers != confusions.truth)):
        answer = int(confusions.answers[place])
        if answer not in fresh:
            path = names[int(confusions.groups[place])][int(confusions.rows[place])]
            if path not in among_new and path not in like_old:
                like_old[path] = SuspectImage(path, f"looks like {confusions.labels[answer]!r}")
    return LabelErrors(tuple(among_new.values()), tuple(like_old.values()), contradicted)


def pictures_checked(names: Mapping[int, Sequence[str]]) -> int:
    """Count the new pictures that `find_label_errors` checks.

    Args:
        names: of the new pictures by group.

    Returns:
        All of them, or the size of an even sample of about 2000.
    """
    most = _most_of_a_class(names)
    return sum(min(len(some), most) for some in names.values())


def relabel(z: Array, truth: Array) -> Relabelling:
    """Relabel doubtful pictures until the labels agree.

    Margins are compared with margins, so that the difficulty of a set does not matter. The responses are
    those of a ridge regression on these pictures alone: the covariance of the discriminant would take wrong
    labels for spread and hide them.

    Args:
        z: normalised features, [n, d].
        truth: class of each as taught, int [n], from 0 on without gaps, at least two classes.

    Returns:
        The relabelling.
    """
    ridge = LeaveOneOutRidge.of(z)
    margins, answers = ridge.margins(truth)
    classes = int(truth.max()) + 1
    labels, now = _better_labels(ridge, truth, np.ones(len(truth), bool), least=1)
    moved = labels != truth
    # Hard classes can be divided in another way, too, but it takes more relabelling than a fault does.
    gain = float(now.mean() - margins.mean() - moved.mean() * max(CHANCE, 1 / classes))
    return Relabelling(labels, moved, _below(margins, AS_SURE), margins, answers, gain, gain > CLEAN_GAIN)


def samples_of_old_class(new: Array, old: Array) -> tuple[Array, float]:
    """Find pictures of a new class that rather belong to an old one, whose labels are trusted.

    Both classes count alike: of a larger old class an even sample is taken, and a larger new class is
    compared part by part.

    Args:
        new: normalised features of the new class, [n, d], at least three.
        old: of the old class, [m, d].

    Returns:
        Which new pictures do, bool [n], and the gain for each new picture, less what is gained by chance:
        half of the share that moved. Chance does not explain a gain above OLD_CLASS_GAIN.
    """
    # Slightly more new pictures than old ones reveal pictures of the old class better than fewer new ones do.
    parts = max(1, round(len(new) / (_NEW_PER_OLD * len(old))))
    moved, gains, right = np.zeros(len(new), bool), [], []
    for part in range(parts):
        some = new[part::parts]
        others = old[evenly(len(old), len(some))]
        truth = np.repeat([0, 1], [len(some), len(others)])
        ridge = LeaveOneOutRidge.of(np.concatenate([some, others]))
        least = max(2, math.ceil(_LEAST_SHARE * len(some)))
        labels, now = _better_labels(ridge, truth, truth == 0, least)
        before = ridge.margins(truth)[0]
        right.append(np.mean(before > 0))
        moved[part::parts] = labels[: len(some)] == 1
        gain = np.sum(now - before) / len(some) - moved[part::parts].mean() / 2
        # Chance gains more where the new class is the larger one.
        gains.append(gain / math.sqrt(max(1, len(some) / len(others))))
    if np.mean(right) < _SEPARABLE:
        return np.zeros(len(new), bool), 0.0
    return moved, float(np.mean(gains))


def _of_old_class(
    new: Array,
    confusions: HeldOutConfusions,
    label: int,
    old: Sequence[int],
    features_of: Callable[[int], Array],
) -> tuple[Array, str]:
    """Find pictures of a new class that clearly belong to one old class, bool [n], and that class's name."""
    found, name, most = np.zeros(len(new), bool), "", OLD_CLASS_GAIN
    enough = len(new) >= _FEWEST_COMPARED
    for other in confusions.most_confused(label, old, _OLD_CLASSES_COMPARED) if enough else []:
        features = confusions.features(other, features_of)
        if len(features) < _FEWEST_COMPARED:
            continue
        moved, gain = samples_of_old_class(new, features)
        if gain > most:
            found, name, most = moved, confusions.labels[other], gain
    return found, name


def _better_labels(ridge: LeaveOneOutRidge, truth: Array, movable: Array, least: int) -> tuple[Array, Array]:
    """Relabel doubtful pictures until none is, or a class would be left with fewer than `least`.

    Returns:
        The labels, int [n], and the margins under them, [n].
    """
    labels, (now, instead) = truth, ridge.margins(truth)
    for _ in range(_ROUNDS):
        doubtful = movable & _below(now, DOUBTFUL)
        better = np.where(doubtful, instead, labels)
        if not doubtful.any() or np.bincount(better, minlength=int(truth.max()) + 1).min() < least:
            break
        labels = better
        now, instead = ridge.margins(labels)
    return labels, now


def _below(margins: Array, part: float) -> Array:
    """Return whether a margin is below minus a part of the median correct one, bool [n]."""
    right = margins[margins > 0]
    below: Array = margins <= (-part * np.median(right) if len(right) else -np.inf)
    return below


def _most_of_a_class(names: Mapping[int, Sequence[str]]) -> int:
    return max(_FEWEST_OF_A_CLASS, _MOST_CHECKED // len(names))
