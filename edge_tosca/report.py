"""What learn and evaluate report."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from edge_tosca.answer import Skipped
from edge_tosca.gate import GateReport


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
