"""Evaluate answers to labelled pictures: what a user sees, and how far stated probabilities hold."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike

from edge_tosca.errors import LearnError
from edge_tosca.outcomes import Outcomes, wilson_interval
from edge_tosca.results import Answer, Evaluation, ReliabilityBin, Skipped, WrongPicture

RELIABILITY_BINS = 10
"""Bins of equal width in 0 .. 1."""

MOST_WRONG = 12
"""Wrong answers of each kind that an evaluation lists."""


@dataclass(frozen=True)
class LabelledAnswer:
    """One answer beside the truth.

    Attributes:
        path: of the picture.
        truth: its class; None for a picture of something that was never taught.
        answer: predicted from the picture alone.
    """

    path: str
    truth: str | None
    answer: Answer

    @property
    def right(self) -> bool:
        """Whether the label is right, called unknown or not."""
        return self.answer.label == self.truth

    @property
    def stated(self) -> float:
        """The probability that the picture shows the answer's label."""
        return self.answer.probability


def evaluate_answers(
    answers: Sequence[Answer | Skipped],
    paths: Sequence[str],
    truths: Sequence[str | None],
    known: Sequence[str],
    router: str,
    seconds: float,
    folder: str | PathLike[str],
) -> Evaluation:
    """Compare answers with the true labels.

    Args:
        answers: one per picture, each predicted on its own.
        paths: of the pictures.
        truths: label of each picture; None for a picture of something that was never taught.
        known: labels that were taught.
        router: the router's rule, "fused" or "entropy".
        seconds: time spent, for the report.
        folder: of the pictures, for the error message.

    Returns:
        The evaluation.

    Raises:
        LearnError: there is no readable picture of a known class.
    """
    skipped = tuple(answer for answer in answers if isinstance(answer, Skipped))
    read = [
        LabelledAnswer(path, truth, answer)
        for path, truth, answer in zip(paths, truths, answers, strict=True)
        if isinstance(answer, Answer)
    ]
    taught = set(known)
    of_known = [one for one in read if one.truth in taught]
    of_untaught = [one for one in read if one.truth not in taught]
    require_known_class([one.truth for one in of_known], known, folder)
    by_class: dict[str, list[LabelledAnswer]] = defaultdict(list)
    for one in of_known:
        by_class[str(one.truth)].append(one)
    every = outcomes(of_known)
    right, refused = sum(one.right for one in of_known), sum(one.answer.unknown for one in of_untaught)
    interval = {
        **every.interval,
        "accuracy": wilson_interval(right, len(of_known)),
        "unknown_rate": every.interval["unknown"],
    }
    if of_untaught:
        interval["strangers_unknown_rate"] = wilson_interval(refused, len(of_untaught))
    bins = reliability(read)
    return Evaluation(
        images=len(of_known),
        named_right=every.named_right,
        named_wrong=every.named_wrong,
        unknown=every.unknown,
        counts=every.counts,
        interval=interval,
        by_class={label: outcomes(some) for label, some in by_class.items()},
        accuracy=right / len(of_known),
        per_class={label: sum(one.right for one in some) / len(some) for label, some in by_class.items()},
        unknown_rate=every.unknown,
        strangers=len(of_untaught),
        strangers_unknown_rate=refused / len(of_untaught) if of_untaught else None,
        router=router,
        confusion={label: _labels(some) for label, some in by_class.items()},
        named={label: _labels(_named(some)) for label, some in by_class.items()},
        untaught_named=_labels(_named(of_untaught)),
        reliability=bins,
        calibration_error=sum(each.images * abs(each.right - each.stated) for each in bins) / len(read),
        wrong=_worst(of_known, of_untaught),
        skipped=skipped,
        seconds=seconds,
    )


def require_known_class(
    truths: Iterable[str | None], known: Sequence[str], folder: str | PathLike[str]
) -> None:
    """Raise for labelled pictures of which none is of a known class, before they are classified.

    Args:
        truths: label of each picture.
        known: labels that were taught.
        folder: of the pictures, for the error message.

    Raises:
        LearnError: no picture has a known label.
    """
    if set(known).isdisjoint(truths):
        raise LearnError(
            f"{folder} has no readable picture of a class that was taught ({', '.join(known[:10])})"
        )


def outcomes(some: Sequence[LabelledAnswer]) -> Outcomes:
    """Count what a user sees for pictures of taught classes, at least one."""
    unknown = sum(one.answer.unknown for one in some)
    right = sum(one.right and not one.answer.unknown for one in some)
    return Outcomes.of(right, len(some) - right - unknown, unknown)


def reliability(some: Iterable[LabelledAnswer]) -> tuple[ReliabilityBin, ...]:
    """Compare stated probabilities with shares of right labels, in bins of equal width.

    Source: Guo and others, "On Calibration of Modern Neural Networks", 2017, section 2.

    Args:
        some: answers.

    Returns:
        The bins that hold pictures, the lowest probability first.
    """
    binned: dict[int, list[LabelledAnswer]] = defaultdict(list)
    for one in some:
        binned[min(int(one.stated * RELIABILITY_BINS), RELIABILITY_BINS - 1)].append(one)
    found = []
    for place in sorted(binned):
        images, right = len(binned[place]), sum(one.right for one in binned[place])
        mean = sum(one.stated for one in binned[place]) / images
        found.append(ReliabilityBin(images, mean, right / images, wilson_interval(right, images)))
    return tuple(found)


def _named(some: Iterable[LabelledAnswer]) -> list[LabelledAnswer]:
    return [one for one in some if not one.answer.unknown]


def _labels(some: Iterable[LabelledAnswer]) -> dict[str, int]:
    return dict(Counter(one.answer.label for one in some))


def _worst(
    of_known: Sequence[LabelledAnswer], of_untaught: Sequence[LabelledAnswer]
) -> tuple[WrongPicture, ...]:
    wrong = [one for one in _named(of_known) if not one.right]
    refused = [one for one in of_known if one.answer.unknown]
    named = _named(of_untaught)
    ordered = (
        *sorted(wrong, key=lambda one: -one.stated)[:MOST_WRONG],
        *sorted(refused, key=lambda one: one.answer.familiarity)[:MOST_WRONG],
        *sorted(named, key=lambda one: -one.answer.familiarity)[:MOST_WRONG],
    )
    return tuple(
        WrongPicture(one.path, one.truth, one.answer.label, one.stated, one.answer.unknown) for one in ordered
    )
