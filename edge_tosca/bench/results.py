"""The results of a comparison, and their file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import EdgeToscaError

OURS = "ours"
METHODS = {
    OURS: "edge-tosca, default router with modules",
    "router": "ours without the modules",
    "probe": "logistic regression on all classes at once (keeps everything)",
    "ranpac": "RanPAC, frozen backbone, width 5000",
    "slda": "streaming LDA (OAS, power-normalised)",
    "ncm": "nearest class mean",
    "entropy": "the paper's TOSCA, one picture at a time",
    "entropy48": "the paper's TOSCA, batches of 48 sorted by class, as released (leaks)",
    "entropy48s": "the paper's TOSCA, batches of 48 shuffled",
    "oracle": "the paper's TOSCA, true task given",
}
"""What can be compared, in the order of the table."""

TITLES = {
    OURS: "ours",
    "router": "router alone",
    "probe": "joint probe",
    "ranpac": "RanPAC",
    "slda": "SLDA",
    "ncm": "nearest mean",
    "entropy": "paper, one picture",
    "entropy48": "paper, batches sorted (leaks)",
    "entropy48s": "paper, batches shuffled",
    "oracle": "paper, task given",
}
"""Names of the methods in tables and plots."""


@dataclass(frozen=True)
class Result:
    """One method on one protocol.

    Attributes:
        data: name of the set.
        method: a key of METHODS.
        task_size: classes a task.
        shots: training pictures a class; None for all.
        seed: of the order and the pictures.
        last: accuracy over all classes after the last task.
        average: mean over tasks of the accuracy after each (A-bar); None where there is one task, or the
            method was not evaluated after each.
        forgetting: mean over tasks of the accuracy lost since its best; None likewise.
        curve: accuracy after each task, over the classes so far.
        learned: accuracy on each task's pictures right after it was learned.
        final: the same after the last task.
    """

    data: str
    method: str
    task_size: int
    shots: int | None
    seed: int
    last: float
    average: float | None = None
    forgetting: float | None = None
    curve: tuple[float, ...] = ()
    learned: tuple[float, ...] = ()
    final: tuple[float, ...] = ()

    @property
    def cell(self) -> tuple[str, str, int, int | None, int]:
        """Set, method and protocol."""
        return self.data, self.method, self.task_size, self.shots, self.seed


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix of one set.

    Attributes:
        classes: their names.
        counts: int [classes, classes], true class by answer.
    """

    classes: tuple[str, ...]
    counts: Array


@dataclass(frozen=True)
class Comparison:
    """All results, and the confusion of ours on the last protocol of each set.

    Attributes:
        about: backbone and sets, as plain values.
        results: in the order in which they were computed.
        confusion: by the name of the set.
    """

    about: dict[str, Any]
    results: tuple[Result, ...] = ()
    confusion: dict[str, Confusion] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        confusion = {
            name: {"classes": list(found.classes), "counts": found.counts.tolist()}
            for name, found in (self.confusion or {}).items()
        }
        return {
            "about": self.about,
            "results": [asdict(result) for result in self.results],
            "confusion": confusion,
        }


def save(comparison: Comparison, path: Path) -> None:
    """Write a comparison.

    Args:
        comparison: all of it.
        path: of the JSON file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # An interrupted run leaves what the one before it had written.
    half = path.with_suffix(".part")
    half.write_text(json.dumps(comparison.to_json(), indent=1) + "\n", encoding="utf-8")
    half.replace(path)


def load(path: Path, about: dict[str, Any]) -> Comparison:
    """Read the results of an earlier run, to go on from them.

    Args:
        path: of the JSON file; it need not exist.
        about: backbone and sets of this run.

    Returns:
        The results there, with `about` of both runs.

    Raises:
        EdgeToscaError: they are of another backbone or of other pictures, or cannot be read.
    """
    if not path.is_file():
        return Comparison(about)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        results = [Result(**{name: _frozen(value) for name, value in row.items()}) for row in kept["results"]]
        confusion = {
            name: Confusion(tuple(found["classes"]), np.array(found["counts"], int))
            for name, found in kept["confusion"].items()
        }
        backbone, sets = kept["about"]["backbone"], kept["about"]["sets"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EdgeToscaError(f"{path} cannot be gone on from ({error!r}); give another --out") from None
    same = all(sets.get(name, pictures) == pictures for name, pictures in about["sets"].items())
    if backbone != about["backbone"] or not same:
        raise EdgeToscaError(f"{path} is of another backbone or of other pictures; give another --out")
    return Comparison({**about, "sets": {**sets, **about["sets"]}}, tuple(results), confusion)


def summarised(cell: tuple[str, str, int, int | None, int], right: Array, sizes: Array) -> Result:
    """Sum up a method that was evaluated after each task.

    Source of A-bar and forgetting: Chaudhry and others, "Riemannian Walk for Incremental Learning", ECCV
    2018, section 3.

    Args:
        cell: see `Result.cell`.
        right: accuracy after task i (row) on the pictures of task j (column), [tasks, tasks].
        sizes: test pictures of each task, int [tasks].

    Returns:
        The result.
    """
    curve = [
        float(np.nansum(row[: n + 1] * sizes[: n + 1]) / sizes[: n + 1].sum()) for n, row in enumerate(right)
    ]
    if len(curve) == 1:
        return Result(*cell, last=curve[-1])
    lost = [np.nanmax(right[:, n]) - right[-1, n] for n in range(len(right) - 1) if sizes[n]]
    return Result(
        *cell,
        last=curve[-1],
        average=float(np.mean(curve)),
        forgetting=float(np.mean(lost)),
        curve=tuple(curve),
        learned=tuple(np.diag(right).tolist()),
        final=tuple(right[-1].tolist()),
    )


def means_by(results: Sequence[Result], method: str, value: str) -> Array:
    """Average a row of figures over seeds.

    Args:
        results: of one protocol.
        method: a key of METHODS.
        value: "curve", "learned" or "final".

    Returns:
        float [tasks]; empty where the method has none.
    """
    rows = [getattr(result, value) for result in results if result.method == method]
    mean: Array = np.mean([row for row in rows if row] or [()], axis=0)
    return mean


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
