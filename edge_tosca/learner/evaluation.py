"""Accuracy of single pictures against the folders that they lie in."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from edge_tosca.errors import LearnError
from edge_tosca.results import Answer, Evaluation, Skipped


def evaluate_answers(
    answers: Sequence[Answer | Skipped],
    truths: Sequence[str],
    known: Sequence[str],
    router: str,
    seconds: float,
    folder: str | PathLike[str],
) -> Evaluation:
    """Compare answers with the truth.

    Args:
        answers: one a picture, each made from that picture alone.
        truths: label of each picture.
        known: labels that were taught.
        router: the rule that chose the modules.
        seconds: what it took.
        folder: where the pictures lie, for the error.

    Returns:
        The figures.

    Raises:
        LearnError: there is no picture of a known class.
    """
    skipped = tuple(answer for answer in answers if isinstance(answer, Skipped))
    pairs = [(t, a) for t, a in zip(truths, answers, strict=True) if isinstance(a, Answer)]
    taught = set(known)
    ours = [(t, a) for t, a in pairs if t in taught]
    strangers = [a for t, a in pairs if t not in taught]
    if not ours:
        raise LearnError(
            f"{folder} has no readable picture of a class that was taught ({', '.join(known[:10])})"
        )
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    for truth, answer in ours:
        confusion[truth][answer.label] += 1
    return Evaluation(
        images=len(ours),
        accuracy=sum(a.label == t for t, a in ours) / len(ours),
        per_class={truth: row[truth] / row.total() for truth, row in confusion.items()},
        unknown_rate=sum(a.unknown for _, a in ours) / len(ours),
        strangers=len(strangers),
        strangers_unknown_rate=sum(a.unknown for a in strangers) / len(strangers) if strangers else None,
        router=router,
        confusion={truth: dict(row) for truth, row in confusion.items()},
        skipped=skipped,
        seconds=seconds,
    )


def require_place(folder: Path) -> None:
    """Refuse a place where no report can be written, before anything is evaluated.

    Args:
        folder: where it is to be.

    Raises:
        LearnError: there is a file, or a folder that may not be written.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise LearnError(f"{there} is not a folder; name a folder for the report")
    if not os.access(there, os.W_OK | os.X_OK):
        raise LearnError(f"{there} may not be written; name another folder for the report")


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write an evaluation as evaluation.json and evaluation.md.

    Args:
        evaluation: the figures.
        folder: where; made if it is not there.
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
