"""The quality gate: judge a lesson by its held-out cached pictures.

No accuracy is compared with a fixed bar, for classes may be hard. A fault shows in a pattern: confident
answers that contradict labels, two classes that are separated no better than by chance, pictures that are
copies of one. `docs/gate.md` has the measurement behind each threshold.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edge_tosca.arrays import Array, mean_or_none
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.quality import advice
from edge_tosca.quality.confusions import ConfusablePair, HeldOutConfusions
from edge_tosca.quality.label_errors import find_label_errors, pictures_checked
from edge_tosca.quality.near_duplicates import NearDuplicates, find_near_duplicates
from edge_tosca.results import GateReport
from edge_tosca.store.state import State

OLD_SHARE = 0.1
"""Share of new pictures that may look like an old class with 90 %: one such answer in ten may be wrong."""

HARMED_SHARE = 0.1
"""Share of the old pictures that a clean task may cost, besides LOST_TO_SIBLING."""

LOST_TO_SIBLING = 0.5
"""Share of one old class that each new class may cost: what chance costs, between it and a sibling."""

SIGMAS = 2.33
"""Standard deviations by which a count must exceed its share: one clean task in a hundred does by chance."""

SAME_CLASS_BELOW = 1.0
"""Welch's t up to which two classes are rejected as one, from REJECT_FROM effective pictures on."""

REJECT_FROM = 10.0
"""Effective pictures n m / (n + m), for n and m pictures of two classes: 20 of each are enough to reject."""

CONFUSABLE_BELOW = 3.0
"""Welch's t up to which the gate warns that two classes may be one."""

COPIED_SHARE = 0.5
"""A class is rejected when at least this share of its pictures are copies of another class's."""

FEW_PICTURES = 3
"""A class with fewer different pictures cannot be judged: with one held out, the rest have no spread."""

ONE_VIEW_COSINE = 0.93
"""Mean cosine between a class's pictures from which they count as one view."""

BY_CLASS = "accuracy_by_class"
"""Key of the held-out accuracy of every class in a generation's report."""


def judge(
    state: State,
    held_out: HeldOut,
    features_of: Callable[[int], Array],
    names: Mapping[str, Sequence[str]],
    before: Mapping[str, float],
    at_border: Sequence[str] = (),
) -> GateReport:
    """Judge the last task of a state.

    Args:
        state: with the new task at its end.
        held_out: held-out answers under it.
        features_of: normalised features of a group by its index, float32 [n, d].
        names: names of the new pictures by label, in the order of the task's groups and their features.
        before: held-out accuracy of the old classes before, by label.
        at_border: new classes that the border of their pictures distinguishes, see
            `edge_tosca.quality.border`; they get advice, which does not change the verdict.

    Returns:
        The report.
    """
    first = len(state.groups) - len(names)
    by_group = {group: names[state.groups[group].label] for group in range(first, len(state.groups))}
    confusions = HeldOutConfusions.of(state, held_out, len(names))
    errors = find_label_errors(features_of, confusions, by_group)
    mislabelled = (*errors.among_new, *errors.like_old)
    copies = find_near_duplicates(state, features_of, confusions, by_group)

    new, old = confusions.accuracy_by_class(confusions.new), confusions.accuracy_by_class(~confusions.new)
    shared = [label for label in before if label in old]
    old_before = mean_or_none([before[label] for label in shared])
    old_after = mean_or_none([old[label] for label in shared])

    rejected, doubted = _same_classes(confusions.confusable_pairs(features_of), copies)
    findings = [*doubted]
    checked = pictures_checked(by_group)
    contradicted = errors.contradicted or _beyond(len(errors.like_old), checked, OLD_SHARE)
    if contradicted:
        share = len(mislabelled) / checked
        findings.append(
            (
                f"{share:.0%} of the new pictures look like another class",
                advice.check_labels(len(mislabelled)),
            )
        )
    findings += _too_few_or_alike(copies, names)
    findings += _harm(confusions, old_before, old_after)
    pictures = {label: len(some) for label, some in names.items()}
    most = confusions.confusions()
    rivals = {confusion.truth: confusion.answer for confusion in reversed(most)}
    sentences = [sentence for _, sentence in (*rejected, *findings)]
    addressed = {label for label in names if any(repr(label) in sentence for sentence in sentences)}
    unaddressed = {label: share for label, share in new.items() if label not in addressed}
    if not contradicted:
        sentences += advice.weak(unaddressed, pictures, rivals)
    if at_border:
        sentences.append(advice.at_border(at_border))
    named = {suspect.path for suspect in mislabelled}
    return GateReport(
        verdict="reject" if rejected else "warn" if findings else "accept",
        accuracy_new=mean_or_none(list(new.values())),
        accuracy_old_before=old_before,
        accuracy_old_after=old_after,
        confusions=most,
        suspects=(*mislabelled, *(suspect for suspect in copies.suspects if suspect.path not in named)),
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


def confusable_below(effective_pictures: float) -> float:
    """Return the value of Welch's t up to which the gate warns that two classes may be one.

    Few pictures separate even different classes little, so that less is asked of them.

    Args:
        effective_pictures: n m / (n + m) for n and m pictures of the two.

    Returns:
        A value that the hardest clean pairs stay above; CONFUSABLE_BELOW at most.
    """
    return min(CONFUSABLE_BELOW, 0.34 * effective_pictures - 0.9)


_Finding = tuple[str, str]
"""A reason and the advice that goes with it."""


def _same_classes(
    pairs: Sequence[ConfusablePair], copies: NearDuplicates
) -> tuple[list[_Finding], list[_Finding]]:
    """Find new classes that are another class under a second name: those to reject, and those to warn of."""
    rejected: list[_Finding] = []
    doubted: list[_Finding] = []
    reported: set[tuple[str, str]] = set()
    for label, (other, share) in copies.copied_from.items():
        if share >= COPIED_SHARE and (other, label) not in reported:
            reported.add((label, other))
            reason = f"{share:.0%} of the pictures of {label!r} are copies of pictures of {other!r}"
            rejected.append((reason, advice.same_class(label, other)))
    for pair in pairs:
        names = (pair.new, pair.other)
        if names in reported or names[::-1] in reported:
            continue
        if pair.effective_pictures >= REJECT_FROM and pair.welch_t <= SAME_CLASS_BELOW:
            findings, can = rejected, "cannot"
        elif pair.welch_t <= confusable_below(pair.effective_pictures):
            findings, can = doubted, "can hardly"
        else:
            continue
        reason = (
            f"{pair.new!r} {can} be distinguished from {pair.other!r}: "
            f"accuracy {pair.accuracy:.0%}, chance 50%"
        )
        findings.append((reason, advice.same_class(*names)))
    return rejected, doubted


def _too_few_or_alike(copies: NearDuplicates, names: Mapping[str, Sequence[str]]) -> list[_Finding]:
    few = {label: count for label, count in copies.distinct.items() if count < FEW_PICTURES}
    # A class whose every picture was known before counts as one picture, not as none.
    few = {label: max(count, 1) for label, count in few.items()}
    findings = []
    for label, sentence in zip(sorted(few, key=lambda key: few[key]), advice.too_few(few), strict=True):
        shown = len(names[label])
        copied = f", the rest of its {shown} are copies" if shown > few[label] else ""
        plural = "picture" if few[label] == 1 else "different pictures"
        findings.append((f"{label!r} has only {few[label]} {plural}{copied}", sentence))
    alike = [
        label
        for label, cosine in copies.mean_cosine.items()
        if cosine >= ONE_VIEW_COSINE and label not in few
    ]
    counts = {label: len(some) for label, some in names.items()}
    for label, sentence in zip(alike, advice.too_alike(alike, counts), strict=True):
        findings.append((f"the pictures of {label!r} are nearly identical", sentence))
    return findings


def _harm(confusions: HeldOutConfusions, before: float | None, after: float | None) -> list[_Finding]:
    """Find whether the old classes lost more accuracy than new classes have to cost."""
    if before is None or after is None:
        return []
    new, truth = confusions.new, confusions.truth
    fresh, known = np.unique(truth[new]), np.unique(truth[~new])
    newcomers = len(np.setdiff1d(fresh, known))
    count = int((~new).sum())
    most = HARMED_SHARE + LOST_TO_SIBLING * min(1, newcomers / len(known))
    if not _beyond((before - after) * count, count, most):
        return []
    reason = f"the old classes fell from {before:.0%} to {after:.0%}"
    lost = ~new & np.isin(confusions.answers, fresh) & (confusions.answers != truth)
    if not lost.any():
        return [
            (
                reason,
                "If this lesson was kept, roll it back unless the new classes matter more than the old ones",
            )
        ]
    pairs, counts = np.unique(np.stack([truth[lost], confusions.answers[lost]]), axis=1, return_counts=True)
    worst = int(counts.argmax())
    label, other = (int(place) for place in pairs[:, worst])
    pictures = int((~new & (truth == label)).sum())
    sentence = advice.harmed(confusions.labels[label], confusions.labels[other], int(counts[worst]), pictures)
    return [(reason, sentence)]


def _beyond(count: float, n: int, share: float) -> bool:
    """Return whether a count exceeds a share of n by more than chance."""
    return count > n * share + SIGMAS * math.sqrt(n * share * (1 - share))
