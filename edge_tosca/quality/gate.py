"""The quality gate: did learning work, judged on cached pictures that were left out.

Nothing here compares an accuracy with a fixed bar: classes may be hard. A fault shows in the pattern: sure
answers that contradict labels, two classes that chance tells apart as well, pictures that are one picture.
`docs/gate.md` has the measurement behind each threshold.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.quality import advice
from edge_tosca.quality.confusions import ConfusablePair, HeldOutConfusions
from edge_tosca.quality.label_errors import mislabelled, pictures_checked
from edge_tosca.quality.near_duplicates import NearDuplicates, find_near_duplicates
from edge_tosca.results import GateReport
from edge_tosca.store.state import State

OLD_SHARE = 0.1
"""Share of new pictures that may look like an old class with 90 %: one such answer in ten may be wrong."""

HARMED_SHARE = 0.1
"""Share of the old pictures that a clean task may cost, besides LOST_TO_SIBLING."""

LOST_TO_SIBLING = 0.5
"""Share of one old class that each new class may cost: what a coin would, between it and its sibling."""

SURE = 2.33
"""Standard deviations by which a count must exceed its share: one clean task in a hundred does by chance."""

SAME_BELOW = 1.0
"""Standard errors apart up to which two classes are one thing, if there are as many pictures as PAIR_SURE."""

PAIR_SURE = 10.0
"""n m / (n + m) for n and m pictures of two classes: 20 of each reject one of them."""

HARDLY_APART = 3.0
"""Standard errors apart up to which the gate warns that two classes may be one."""


def hardly_apart(pictures: float) -> float:
    """Give the same for few pictures, which set even different things apart but little.

    Args:
        pictures: n m / (n + m) for n and m pictures of two classes.

    Returns:
        Standard errors that the hardest clean pairs keep above.
    """
    return min(HARDLY_APART, 0.34 * pictures - 0.9)


TWIN_SHARE = 0.5
"""A class is rejected when at least half of its pictures are copies of another class's."""

FEW_PICTURES = 3
"""A class with fewer different pictures cannot be judged: left out, one leaves no spread to judge it by."""

ALIKE = 0.93
"""Mean cosine between a class's pictures from which they count as one view."""

BY_CLASS = "accuracy_by_class"
"""Where a generation's report keeps the left-out accuracy of every class."""


def judge(
    state: State,
    held_out: HeldOut,
    features_of: Callable[[int], Array],
    names: Mapping[str, Sequence[str]],
    before: Mapping[str, float],
) -> GateReport:
    """Judge the last task of a state.

    Args:
        state: with the new task at its end.
        held_out: held-out answers under it.
        features_of: normalised features of a group by its index, float32 [n, d].
        names: names of the new pictures by label, in the order of the task's groups and their features.
        before: held-out accuracy of the old classes before, by label.

    Returns:
        The report.
    """
    first = len(state.groups) - len(names)
    by_group = {group: names[state.groups[group].label] for group in range(first, len(state.groups))}
    trial = HeldOutConfusions.of(state, held_out, len(names))
    mistaken = mislabelled(features_of, trial, by_group)
    wrong_label = (*mistaken.among_new, *mistaken.like_old)
    copies = find_near_duplicates(state, features_of, trial, by_group)

    new, old = trial.accuracy_by_class(trial.new), trial.accuracy_by_class(~trial.new)
    shared = [label for label in before if label in old]
    old_before = _mean([before[label] for label in shared])
    old_after = _mean([old[label] for label in shared])

    rejected, doubted = _same_things(trial.lookalikes(features_of), copies)
    findings = [*doubted]
    checked = pictures_checked(by_group)
    contradicted = mistaken.contradicted or _beyond(len(mistaken.like_old), checked, OLD_SHARE)
    if contradicted:
        share = len(wrong_label) / checked
        findings.append(
            (
                f"{share:.0%} of the new pictures look like another class",
                advice.check_labels(len(wrong_label)),
            )
        )
    findings += _too_few_or_alike(copies, names)
    findings += _harm(trial, old_before, old_after)
    pictures = {label: len(some) for label, some in names.items()}
    rivals = {confusion.truth: confusion.answer for confusion in reversed(trial.confusions())}
    sentences = [sentence for _, sentence in (*rejected, *findings)]
    addressed = {label for label in names if any(repr(label) in sentence for sentence in sentences)}
    unaddressed = {label: share for label, share in new.items() if label not in addressed}
    if not contradicted:
        sentences += advice.weak(unaddressed, pictures, rivals)
    seen = {suspect.path for suspect in wrong_label}
    return GateReport(
        verdict="reject" if rejected else "warn" if findings else "accept",
        accuracy_new=_mean(list(new.values())),
        accuracy_old_before=old_before,
        accuracy_old_after=old_after,
        confusions=trial.confusions(),
        suspects=(*wrong_label, *(suspect for suspect in copies.suspects if suspect.path not in seen)),
        reasons=tuple(reason for reason, _ in (*rejected, *findings)),
        advice=tuple(dict.fromkeys(sentences))[: advice.MOST_SENTENCES],
    )


def accuracy_by_class(state: State, held_out: HeldOut) -> dict[str, float]:
    """Compute the held-out accuracy of every class, for a generation's report.

    Args:
        state: of the generation.
        held_out: held-out answers under it.

    Returns:
        Label to accuracy; classes of which no picture was held out are absent.
    """
    return HeldOutConfusions.of(state, held_out).accuracy_by_class()


_Finding = tuple[str, str]
"""A reason and the advice that goes with it."""


def _same_things(
    pairs: Sequence[ConfusablePair], copies: NearDuplicates
) -> tuple[list[_Finding], list[_Finding]]:
    """Find new classes that are another class under a second name: surely, and perhaps."""
    rejected: list[_Finding] = []
    doubted: list[_Finding] = []
    told: set[tuple[str, str]] = set()
    for label, (other, share) in copies.twins.items():
        if share >= TWIN_SHARE and (other, label) not in told:
            told.add((label, other))
            reason = f"{share:.0%} of the pictures of {label!r} are copies of pictures of {other!r}"
            rejected.append((reason, advice.one_thing(label, other)))
    for pair in pairs:
        names = (pair.new, pair.other)
        if names in told or names[::-1] in told:
            continue
        if pair.pictures >= PAIR_SURE and pair.apart <= SAME_BELOW:
            findings, so = rejected, "cannot"
        elif pair.apart <= hardly_apart(pair.pictures):
            findings, so = doubted, "can hardly"
        else:
            continue
        reason = f"{pair.new!r} {so} be told from {pair.other!r}: right {pair.right:.0%}, a coin 50%"
        findings.append((reason, advice.one_thing(*names)))
    return rejected, doubted


def _too_few_or_alike(copies: NearDuplicates, names: Mapping[str, Sequence[str]]) -> list[_Finding]:
    few = {label: count for label, count in copies.distinct.items() if count < FEW_PICTURES}
    # A class whose every picture was known before counts as one picture, not as none.
    few = {label: max(count, 1) for label, count in few.items()}
    reasons = []
    for label, sentence in zip(sorted(few, key=lambda key: few[key]), advice.too_few(few), strict=True):
        shown = len(names[label])
        copied = f", the rest of its {shown} are copies" if shown > few[label] else ""
        plural = "picture" if few[label] == 1 else "different pictures"
        reasons.append((f"{label!r} has only {few[label]} {plural}{copied}", sentence))
    alike = [label for label, cosine in copies.alike.items() if cosine >= ALIKE and label not in few]
    counts = {label: len(some) for label, some in names.items()}
    for label, sentence in zip(alike, advice.too_alike(alike, counts), strict=True):
        reasons.append((f"the pictures of {label!r} are nearly one picture", sentence))
    return reasons


def _harm(trial: HeldOutConfusions, before: float | None, after: float | None) -> list[_Finding]:
    """Find whether the old classes lost more than newcomers have to cost."""
    if before is None or after is None:
        return []
    fresh, known = np.unique(trial.truth[trial.new]), np.unique(trial.truth[~trial.new])
    newcomers = len(np.setdiff1d(fresh, known))
    count = int((~trial.new).sum())
    most = HARMED_SHARE + LOST_TO_SIBLING * min(1, newcomers / len(known))
    if not _beyond((before - after) * count, count, most):
        return []
    reason = f"the old classes fell from {before:.0%} to {after:.0%}"
    lost = ~trial.new & np.isin(trial.answers, fresh) & (trial.answers != trial.truth)
    if not lost.any():
        return [
            (
                reason,
                "If this lesson was kept, roll it back unless the new classes matter more than the old ones",
            )
        ]
    pairs, counts = np.unique(np.stack([trial.truth[lost], trial.answers[lost]]), axis=1, return_counts=True)
    worst = int(counts.argmax())
    label, other = (int(place) for place in pairs[:, worst])
    pictures = int((~trial.new & (trial.truth == label)).sum())
    sentence = advice.harmed(trial.labels[label], trial.labels[other], int(counts[worst]), pictures)
    return [(reason, sentence)]


def _beyond(count: float, n: int, share: float) -> bool:
    """Whether a count is above a share of n by more than chance."""
    return count > n * share + SURE * math.sqrt(n * share * (1 - share))


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
