"""Answers and reports of the learner, as frozen values."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edge_tosca.outcomes import Outcomes

TAUGHT_ALREADY = "taught already"
"""Why a picture was skipped that a class of the same name has."""


@dataclass(frozen=True)
class Guess:
    """A class and its probability.

    Attributes:
        label: the class.
        confidence: its probability among the known classes, in 0 .. 1.
        probability: that the picture shows this class, in 0 .. 1.
    """

    label: str
    confidence: float
    probability: float


@dataclass(frozen=True)
class Answer:
    """The classification of one picture, or of one burst.

    Attributes:
        label: the most probable class.
        confidence: its probability among the known classes, in 0 .. 1.
        unknown: the picture looks like none of the known classes.
        task: name of the task that taught the label.
        top: the most probable classes, the best first.
        familiarity: OOD score, in standard deviations; the higher, the more the picture looks like a known
            class. `unknown` compares it with a threshold.
        milliseconds: spent on "decode", "features" and "decide".
        probability: that the picture shows this class. Over all classes these and `unknown_probability` add
            up to one; the strictness of the store changes neither.
        unknown_probability: that the picture shows none of the known classes.
        set: labels that contain the true one with the requested coverage, the most probable first; None where
            no coverage was requested.
        note: what the picture's file lacks although it was read; None for a whole file.
    """

    label: str
    confidence: float
    unknown: bool
    task: str
    top: tuple[Guess, ...]
    familiarity: float
    milliseconds: dict[str, float]
    probability: float
    unknown_probability: float
    set: tuple[str, ...] | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain values that JSON can represent; `set` and `note` only if there are."""
        fields = asdict(self)
        fields["top"] = list(fields["top"])
        fields["set"] = None if self.set is None else list(self.set)
        return {
            key: value for key, value in fields.items() if value is not None or key not in ("set", "note")
        }


@dataclass(frozen=True)
class Skipped:
    """A picture that was skipped.

    Attributes:
        path: of the picture.
        reason: in one line.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Note:
    """A picture that was read although its file lacks something.

    Attributes:
        path: of the picture.
        note: what it lacks, in one line.
    """

    path: str
    note: str


@dataclass(frozen=True)
class ModuleReport:
    """The size of a LuCA module.

    Attributes:
        digest: sha256 (hex) of the module.
        parameters: number of parameters.
        nonzero: number of parameters that are not zero.
        bytes: size in the store.
        cross_fitted: whether held-out pictures show what the module adds; without that the router decides.
    """

    digest: str
    parameters: int
    nonzero: int
    bytes: int
    cross_fitted: bool = True


@dataclass(frozen=True)
class Confusion:
    """Pictures of one class that were classified as another.

    Attributes:
        truth: the class that they were taught as.
        answer: the class that they were classified as.
        count: number of pictures.
    """

    truth: str
    answer: str
    count: int


@dataclass(frozen=True)
class SuspectImage:
    """A training picture that may be mislabelled or a near duplicate.

    Attributes:
        path: of the picture.
        reason: why, in one line.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class GateReport:
    """The quality gate's verdict on one `learn`.

    Accuracies are of single pictures, held out with their neighbours; every class counts the same.

    Attributes:
        verdict: "accept", "warn" or "reject".
        accuracy_new: of the new classes; None where no picture could be held out. Accuracies ignore that an
            answer may be "unknown".
        accuracy_old_before: of the classes known before, without the new ones; None if there were none.
        accuracy_old_after: of the same classes, with the new ones.
        confusions: the most frequent ones, the worst first.
        suspects: training pictures that look mislabelled, then near duplicates.
        reasons: why the verdict is not "accept".
        advice: what to do, at most five sentences, the most urgent first.
        outcomes_new: what a user would see for the held-out pictures of the new classes, unknown included;
            every picture counts the same. None where no picture could be held out.
        outcomes_old_before: the same of the classes known before, without the new ones; None where there
            were none, or an earlier version counted them.
        outcomes_old_after: of the same classes, with the new ones.
    """

    verdict: Literal["accept", "warn", "reject"]
    accuracy_new: float | None
    accuracy_old_before: float | None
    accuracy_old_after: float | None
    confusions: tuple[Confusion, ...]
    suspects: tuple[SuspectImage, ...]
    reasons: tuple[str, ...]
    advice: tuple[str, ...]
    outcomes_new: Outcomes | None = None
    outcomes_old_before: Outcomes | None = None
    outcomes_old_after: Outcomes | None = None


@dataclass(frozen=True)
class LearnReport:
    """The result of one `learn`.

    Attributes:
        generation: the new generation; None where the gate rejected it, and for a dry run.
        task: name of the task.
        classes: labels that were taught.
        images: number of pictures that were learned from.
        skipped: pictures that could not be read, and other files that were not taken.
        seconds: spent on "features", "train", "commit" and in "total".
        module: the task's LuCA module.
        gate: the quality gate's verdict.
        thinned: number of cached features, of any class, that were removed to keep the store's limit.
        notes: pictures that were learned although their files lack their end.
        dry_run: nothing was to be kept.
    """

    generation: int | None
    task: str
    classes: tuple[str, ...]
    images: int
    skipped: tuple[Skipped, ...]
    seconds: dict[str, float]
    module: ModuleReport
    gate: GateReport
    thinned: int = 0
    notes: tuple[Note, ...] = ()
    dry_run: bool = False

    def alone(self, known: Iterable[str]) -> bool:
        """Return whether the class that was taught is the only one, so that every answer names it.

        Args:
            known: labels that the learner knows now.

        Returns:
            True for one class and no other known label, even if the gate rejected it.
        """
        return len({*known, *self.classes}) == 1

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values; `dry_run` only where it is true."""
        return _without_dry_run(asdict(self))


@dataclass(frozen=True)
class NoneReport:
    """The result of one lesson of pictures that show none of the classes.

    Attributes:
        generation: the new generation; None for a dry run.
        none: number of such pictures that the store has now, or would have.
        images: number of pictures that were learned from.
        skipped: pictures that could not be read.
        seconds: spent on "features", "commit" and in "total".
        outcomes_before: what a user would see for held-out pictures of the classes without any none pictures;
            None where no picture could be held out.
        outcomes_after: the same with all none pictures.
        warnings: classes that the none pictures make unknown, a sentence each.
        notes: pictures that were learned from although their files lack their end.
        dry_run: nothing was to be kept.
    """

    generation: int | None
    none: int
    images: int
    skipped: tuple[Skipped, ...]
    seconds: dict[str, float]
    outcomes_before: Outcomes | None
    outcomes_after: Outcomes | None
    warnings: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values; `dry_run` only where it is true."""
        return _without_dry_run(asdict(self))


@dataclass(frozen=True)
class ReliabilityBin:
    """Pictures whose answers state similar probabilities, and how many of these answers are right.

    Attributes:
        images: number of pictures.
        stated: mean probability of the label that their answers state.
        right: share of them whose label is right.
        interval: 95 % confidence interval of that share, see `edge_tosca.outcomes.wilson_interval`.
    """

    images: int
    stated: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class WrongPicture:
    """A picture whose answer was wrong.

    Attributes:
        path: of the picture.
        truth: its class; None for a picture of `--unknown`.
        label: the class that its answer lists first.
        stated: probability of that class that its answer states.
        unknown: the answer was "unknown", although the class was taught.
    """

    path: str
    truth: str | None
    label: str
    stated: float
    unknown: bool


@dataclass(frozen=True)
class Evaluation:
    """Answers to labelled pictures, each classified by itself.

    Attributes:
        images: number of pictures of known classes.
        named_right: share of them named with their label; see `edge_tosca.outcomes.Outcomes`.
        named_wrong: share of them named with another label.
        unknown: share of them called unknown. The three add up to 1.
        counts: the same three as numbers of pictures.
        interval: 95 % confidence interval of every share here, by its name; see
            `edge_tosca.outcomes.wilson_interval`.
        by_class: the three shares by label.
        accuracy: share of them whose label was right; an answer's unknown flag does not change it.
        per_class: the same by label.
        unknown_rate: equals `unknown`, under the name that earlier versions gave it.
        strangers: number of pictures of what was never taught: in class folders of other names, and of
            `--unknown`.
        strangers_unknown_rate: share of those that were called unknown; None where there are none.
        router: "fused" or "entropy", the rule that combines the modules.
        confusion: true label to answered label to number of pictures, whether called unknown or not.
        named: the same of the pictures that were named, without those called unknown.
        untaught_named: label to number of pictures of what was never taught that were named with it.
        reliability: all pictures in ten bins of equal width by the stated probability, the
            lowest first; bins without a picture are absent.
        calibration_error: mean difference between stated probability and share of right labels in these bins,
            weighted by their pictures (expected calibration error).
        wrong: the worst answers: most confidently named wrong, least like a known class though taught, and
            most like a known class though never taught; at most `edge_tosca.learner.evaluation.MOST_WRONG` of
            each.
        skipped: pictures that could not be read, and other files that were not taken.
        seconds: total time.
        notes: pictures that were classified although their files lack their end.
    """

    images: int
    named_right: float
    named_wrong: float
    unknown: float
    counts: dict[str, int]
    interval: dict[str, tuple[float, float]]
    by_class: dict[str, Outcomes]
    accuracy: float
    per_class: dict[str, float]
    unknown_rate: float
    strangers: int
    strangers_unknown_rate: float | None
    router: str
    confusion: dict[str, dict[str, int]]
    named: dict[str, dict[str, int]]
    untaught_named: dict[str, int]
    reliability: tuple[ReliabilityBin, ...]
    calibration_error: float
    wrong: tuple[WrongPicture, ...]
    skipped: tuple[Skipped, ...]
    seconds: float
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as plain values."""
        return asdict(self)


def _without_dry_run(report: dict[str, Any]) -> dict[str, Any]:
    # The store keeps reports of what was done, in the form that it had before there were dry runs.
    return {key: value for key, value in report.items() if key != "dry_run" or value}
