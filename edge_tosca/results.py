"""What the learner answers and reports, as plain frozen values."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Guess:
    """A class and its probability.

    Attributes:
        label: the class.
        confidence: in 0 .. 1.
    """

    label: str
    confidence: float


@dataclass(frozen=True)
class Answer:
    """What one picture (or one burst) shows.

    Attributes:
        label: the most probable class.
        confidence: its probability among the known classes, in 0 .. 1.
        unknown: the picture looks like none of the known classes.
        task: name of the task that taught the label.
        top: the most probable classes, the best first.
        familiarity: how much it looks like anything known, in standard deviations; unknown is decided on it.
        milliseconds: spent on "decode", "features" and "decide".
        set: labels that hold the truth with the coverage that was asked for, the most probable first; None
            where none was asked for.
    """

    label: str
    confidence: float
    unknown: bool
    task: str
    top: tuple[Guess, ...]
    familiarity: float
    milliseconds: dict[str, float]
    set: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Skipped:
    """A picture that was not learned from.

    Attributes:
        path: of the picture.
        reason: in one line.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class ModuleReport:
    """A module in numbers.

    Attributes:
        digest: its name.
        parameters: how many it has.
        nonzero: how many of them are not zero.
        bytes: its size in the store.
    """

    digest: str
    parameters: int
    nonzero: int
    bytes: int


@dataclass(frozen=True)
class Confusion:
    """Pictures of one class that were taken for another.

    Attributes:
        truth: the class they were taught as.
        answer: the class they were taken for.
        count: how many.
    """

    truth: str
    answer: str
    count: int


@dataclass(frozen=True)
class SuspectImage:
    """A training picture worth a second look.

    Attributes:
        path: of the picture.
        reason: why.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class GateReport:
    """What the gate says of one `learn`.

    Accuracies are of single pictures, left out with their neighbours; every class counts the same.

    Attributes:
        verdict: "accept", "warn" or "reject".
        accuracy_new: of the classes just taught; None where no picture could be left out.
        accuracy_old_before: of the classes known before, before; None if there were none.
        accuracy_old_after: of the same classes, now.
        confusions: the most frequent ones, the worst first.
        suspects: training pictures that look mislabelled, then copies.
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
    """What one `learn` did.

    Attributes:
        generation: the one it made; None where the gate rejected it.
        task: name of the task.
        classes: labels that were taught.
        images: pictures they were learned from.
        skipped: pictures that could not be read.
        seconds: spent on "features", "train", "commit" and in "total".
        module: the task's LuCA module.
        gate: whether it worked.
        thinned: cached features, of any class, that gave way to the store's limit.
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

    def alone(self, known: Iterable[str]) -> bool:
        """Say whether the one class taught is the only one: every answer is then right, for want of another.

        Args:
            known: labels that the learner knows now.

        Returns:
            Whether there is nothing to tell the class from; also where it was rejected.
        """
        return len({*known, *self.classes}) == 1

    def to_json(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Evaluation:
    """Accuracy on labelled pictures, each answered on its own.

    Attributes:
        images: pictures of known classes.
        accuracy: share of them whose label was right; an answer's unknown flag does not change it.
        per_class: the same by label.
        unknown_rate: share of them that were called unknown.
        strangers: pictures of classes that were never taught.
        strangers_unknown_rate: share of those that were called unknown; None without strangers.
        router: the rule that chose the modules.
        confusion: truth to answer to count.
        skipped: pictures that could not be read.
        seconds: spent in all.
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

    def to_json(self) -> dict[str, Any]:
        """Give the evaluation as plain values."""
        return asdict(self)
