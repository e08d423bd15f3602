"""Evaluate answers to labelled pictures, and write the evaluation as a report."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

from edge_tosca.arrays import mean_or_none
from edge_tosca.errors import LearnError
from edge_tosca.results import Answer, Evaluation, Skipped
from edge_tosca.system.files import why_unwritable


def evaluate_answers(
    answers: Sequence[Answer | Skipped],
    truths: Sequence[str],
    known: Sequence[str],
    router: str,
    seconds: float,
    folder: str | PathLike[str],
) -> Evaluation:
    """Compare answers with the true labels.

    Args:
        answers: one per picture, each predicted on its own.
        truths: label of each picture.
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
    pairs = [(t, a) for t, a in zip(truths, answers, strict=True) if isinstance(a, Answer)]
    taught = set(known)
    of_known = [(t, a) for t, a in pairs if t in taught]
    of_untaught = [a for t, a in pairs if t not in taught]
    require_known_class([truth for truth, _ in of_known], known, folder)
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for truth, answer in of_known:
        confusion[truth][answer.label] += 1
    return Evaluation(
        images=len(of_known),
        accuracy=sum(a.label == t for t, a in of_known) / len(of_known),
        per_class={truth: row[truth] / row.total() for truth, row in confusion.items()},
        unknown_rate=sum(a.unknown for _, a in of_known) / len(of_known),
        strangers=len(of_untaught),
        strangers_unknown_rate=mean_or_none([float(a.unknown) for a in of_untaught]),
        router=router,
        confusion={truth: dict(row) for truth, row in confusion.items()},
        skipped=skipped,
        seconds=seconds,
    )


def require_known_class(truths: Iterable[str], known: Sequence[str], folder: str | PathLike[str]) -> None:
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


def require_writable(folder: Path) -> None:
    """Raise for a folder in which no report can be written, before anything is evaluated.

    Args:
        folder: of the report; it may not exist yet.

    Raises:
        LearnError: it is a file, or it or its first existing parent cannot be written.
    """
    if (reason := why_unwritable(folder)) is not None:
        raise LearnError(f"{reason}; name another folder for the report")


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write an evaluation as evaluation.json and evaluation.md.

    Args:
        evaluation: the evaluation.
        folder: of the report; created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(evaluation.to_json(), ensure_ascii=False, indent=1)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    lines = [
        "# Evaluation, one picture at a time",
        "",
        f"{evaluation.images} pictures, {evaluation.accuracy:.1%} right, "
        f"{evaluation.unknown_rate:.1%} called unknown; router: {evaluation.router}.",
        "",
        "| class | right | taken for |",
        "|---|---|---|",
    ]
    for truth, accuracy in sorted(evaluation.per_class.items(), key=lambda pair: pair[1]):
        wrong = {answer: n for answer, n in evaluation.confusion[truth].items() if answer != truth}
        mistakes = ", ".join(f"{answer} ({n})" for answer, n in sorted(wrong.items(), key=lambda p: -p[1]))
        lines.append(f"| {truth} | {accuracy:.1%} | {mistakes} |".replace("\n", " "))
    (folder / "evaluation.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
