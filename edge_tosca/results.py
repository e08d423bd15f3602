"""Answers and reports of the learner, as frozen values."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal


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
    """

    digest: str
    parameters: int
    nonzero: int
    bytes: int


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
        accuracy_new: of the new classes; None where no picture could be held out.
        accuracy_old_before: of the classes known before, without the new ones; None if there were none.
        accuracy_old_after: of the same classes, with the new ones.
        confusions: the most frequent ones, the worst first.
        suspects: training pictures that look mislabelled, then near duplicates.
        reasons: why the verdict is not "accept".
        advice: what to do, at most five sentences, the most urgent first.
    """

    verdict: Literal["accept", "warn", "reject"]
    accuracy_new: float | None
    accuracy_old_before: float | None
    accuracy_old_after: float | None
    confusions: tuple[Confusion, ...]
    suspects: tuple[SuspectImage, ...]
    reasons: tuple[str, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True)
class LearnReport:
    """The result of one `learn`.

    Attributes:
        generation: the new generation; None where the gate rejected it.
        task: name of the task.
        classes: labels that were taught.
        images: number of pictures that were learned from.
        skipped: pictures that could not be read, and other files that were not taken.
        seconds: spent on "features", "train", "commit" and in "total".
        module: the task's LuCA module.
        gate: the quality gate's verdict.
        thinned: number of cached features, of any class, that were removed to keep the store's limit.
        notes: pictures that were learned although their files lack their end.
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

    def alone(self, known: Iterable[str]) -> bool:
        """Return whether the class that was taught is the only one, so that every answer names it.

        Args:
            known: labels that the learner knows now.

        Returns:
            True for one class and no other known label, even if the gate rejected it.
        """
        return len({*known, *self.classes}) == 1

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """Accuracy on labelled pictures, each classified by itself.

    Attributes:
        images: number of pictures of known classes.
        accuracy: share of them whose label was right; an answer's unknown flag does not change it.
        per_class: the same by label.
        unknown_rate: share of them that were called unknown.
        strangers: number of pictures of classes that were never taught.
        strangers_unknown_rate: share of those that were called unknown; None where there are none.
        router: "fused" or "entropy", the rule that combines the modules.
        confusion: true label to answered label to number of pictures.
        skipped: pictures that could not be read, and other files that were not taken.
        seconds: total time.
        notes: pictures that were classified although their files lack their end.
    """

    images: int
    accuracy: float
    per_class: dict[str, float]
    unknown_rate: float
    strangers: int
    strangers_unknown_rate: float | None
    router: str
    confusion: dict[str, dict[str, int]]
    skipped: tuple[Skipped, ...]
    seconds: float
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the evaluation as plain values."""
        return asdict(self)
