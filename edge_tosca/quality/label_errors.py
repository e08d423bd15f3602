"""Would other labels fit the pictures better? Relabel the doubtful ones, and see what is gained.

Wrong labels weaken the answers for all pictures: set right, everything gains. Where classes are merely hard,
there is little to gain. The doubtful ones are found as in confident learning (Northcutt, Jiang, Chuang,
"Confident Learning: Estimating Uncertainty in Dataset Labels", 2021), from answers to left-out pictures.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.features.sampling import evenly
from edge_tosca.quality.confusions import HeldOutConfusions
from edge_tosca.quality.loo_ridge import LeftOutRidge
from edge_tosca.results import SuspectImage

DOUBTFUL = 0.45
"""A picture is relabelled when it is another class by this part of the margin by which the median picture is
its own."""

AS_SURE = 0.75
"""The same, from which a picture is worth a look although the labels as a whole fit."""

CHANCE = 0.2
"""Gain that chance makes of each relabelled picture where there are many classes; of two it makes 1 / 2."""

CLEAN_GAIN = 0.13
"""Gain beyond that, which 99.5 % of clean tasks stay below: docs/gate.md has the share for each size."""

OLD_CLASS_GAIN = 0.27
"""Gain of a new class from giving some of its pictures to an old one, which clean classes stay below."""

_ROUNDS = 5

_LEAST_SHARE = 0.3
"""Share of a new class that stays: a class that is an old one as a whole is for `lookalikes` to find."""

_MORE = 1.25
"""New pictures in a part for each old one."""

_TOLD_APART = 0.75
"""Share of left-out pictures of two classes that must be right: of two that are hardly to be told from each
other any part could be given to the other."""


@dataclass(frozen=True)
class Relabelling:
    """What became of the labels.

    Attributes:
        labels: the better ones, int [n].
        moved: whether that is another label than was taught, bool [n].
        sure: whether the taught labels alone contradict it surely, bool [n].
        margins: how much stronger each taught class answered than the best other one, [n].
        answers: that other one, int [n].
        gain: of the mean margin, less what relabelling by chance would gain.
        contradicted: the gain is more than clean data show.
    """

    labels: Array
    moved: Array
    sure: Array
    margins: Array
    answers: Array
    gain: float
    contradicted: bool


def relabel(z: Array, truth: Array) -> Relabelling:
    """Relabel doubtful pictures until the labels agree.

    Margins are compared with margins, so that the difficulty of a set does not matter. The answers are those
    of a ridge regression on these pictures alone, for the covariance of the discriminant takes wrong labels
    for spread and hides them.

    Args:
        z: conditioned features, [n, d].
        truth: class of each as taught, int [n], from 0 on without gaps, at least two classes.

    Returns:
        The relabelling.
    """
    ridge = LeftOutRidge.of(z)
    margins, answers = ridge.margins(truth)
    classes = int(truth.max()) + 1
    labels, now = _better_labels(ridge, truth, np.ones(len(truth), bool), least=1)
    moved = labels != truth
    # Hard classes can be divided in another way, too, but it takes more relabelling than a fault does.
    gain = float(now.mean() - margins.mean() - moved.mean() * max(CHANCE, 1 / classes))
    return Relabelling(labels, moved, _below(margins, AS_SURE), margins, answers, gain, gain > CLEAN_GAIN)


def samples_of_old_class(new: Array, old: Array) -> tuple[Array, float]:
    """Ask whether some pictures of a new class are rather pictures of an old one, whose labels are trusted.

    Both classes count alike: of an old one that is larger an even part is taken, and a new one that is larger
    is asked part by part.

    Args:
        new: conditioned features of the new class, [n, d], at least three.
        old: of the old one, [m, d].

    Returns:
        Which new pictures are, bool [n], and the gain for each new picture, less what chance makes: half of
        the share that moved. Above STRANGE_GAIN chance does not explain it.
    """
    # Somewhat more new pictures than old ones hide strangers less than fewer new ones do.
    parts = max(1, round(len(new) / (_MORE * len(old))))
    moved, gains, right = np.zeros(len(new), bool), [], []
    for part in range(parts):
        some = new[part::parts]
        others = old[evenly(len(old), len(some))]
        truth = np.repeat([0, 1], [len(some), len(others)])
        ridge = LeftOutRidge.of(np.concatenate([some, others]))
        least = max(2, math.ceil(_LEAST_SHARE * len(some)))
        labels, now = _better_labels(ridge, truth, truth == 0, least)
        before = ridge.margins(truth)[0]
        right.append(np.mean(before > 0))
        moved[part::parts] = labels[: len(some)] == 1
        gain = np.sum(now - before) / len(some) - moved[part::parts].mean() / 2
        # Chance gains more where the new class is the larger one.
        gains.append(gain / math.sqrt(max(1, len(some) / len(others))))
    if np.mean(right) < _TOLD_APART:
        return np.zeros(len(new), bool), 0.0
    return moved, float(np.mean(gains))


def _better_labels(ridge: LeftOutRidge, truth: Array, movable: Array, least: int) -> tuple[Array, Array]:
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
    right = margins[margins > 0]
    below: Array = margins <= (-part * np.median(right) if len(right) else -np.inf)
    return below


CONFIDENT = 0.9
"""Probability from which a left-out picture that is taken for an old class looks mislabelled."""


_MOST_CHECKED = 2000


_FEWEST_OF_A_CLASS = 3
_FEWEST_ASKED = 5


_OLD_CLASSES_ASKED = 5


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


def mislabelled(
    cached: Callable[[int], Array], trial: HeldOutConfusions, names: Mapping[int, Sequence[str]]
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
    new: Array, trial: HeldOutConfusions, label: int, known: Sequence[int], cached: Callable[[int], Array]
) -> tuple[Array, str]:
    """Find pictures of a new class that are surely some old one's, bool [n], and that one's name."""
    strange, of, most = np.zeros(len(new), bool), "", OLD_CLASS_GAIN
    asked = trial.nearest(label, known, _OLD_CLASSES_ASKED) if len(new) >= _FEWEST_ASKED else []
    for other in asked:
        features = trial.features(other, cached)
        if len(features) < _FEWEST_ASKED:
            continue
        moved, gain = samples_of_old_class(new, features)
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


def _most_of_a_class(names: Mapping[int, Sequence[str]]) -> int:
    return max(_FEWEST_OF_A_CLASS, _MOST_CHECKED // len(names))
