"""Write an evaluation as a folder with a page, a table and the figures."""

import json
from pathlib import Path

from edge_tosca.errors import LearnError
from edge_tosca.learner.evaluation_page import Thumbnail, html_page
from edge_tosca.outcomes import Outcomes
from edge_tosca.results import Evaluation
from edge_tosca.system.files import why_unwritable


def require_writable(folder: Path) -> None:
    """Raise for a folder in which no report can be written, before anything is evaluated.

    Args:
        folder: of the report; it may not exist yet.

    Raises:
        LearnError: it is a file, or it or its first existing parent cannot be written.
    """
    if (reason := why_unwritable(folder)) is not None:
        raise LearnError(f"{reason}; name another folder for the report")


def write_report(evaluation: Evaluation, folder: Path, thumbnail: Thumbnail) -> None:
    """Write an evaluation as evaluation.html, evaluation.md and evaluation.json.

    Args:
        evaluation: the evaluation.
        folder: of the report; created if it does not exist.
        thumbnail: makes the small pictures of evaluation.html.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(evaluation.to_json(), ensure_ascii=False, indent=1)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    (folder / "evaluation.md").write_text(_table(evaluation), encoding="utf-8")
    (folder / "evaluation.html").write_text(html_page(evaluation, thumbnail), encoding="utf-8")


def _table(evaluation: Evaluation) -> str:
    lines = [
        "# Evaluation, one picture at a time",
        "",
        f"{evaluation.images} pictures: {Outcomes.of(**evaluation.counts)}; router: {evaluation.router}.",
        *(
            []
            if evaluation.strangers_unknown_rate is None
            else [
                f"Of {evaluation.strangers} pictures of what was never taught "
                f"{evaluation.strangers_unknown_rate:.1%} were called unknown."
            ]
        ),
        "",
        "| class | pictures | named right | 95 % interval | named wrong | unknown | named as |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, found in sorted(evaluation.by_class.items(), key=lambda pair: pair[1].named_right):
        wrong = {answer: n for answer, n in evaluation.named[label].items() if answer != label}
        mistakes = ", ".join(f"{answer} ({n})" for answer, n in sorted(wrong.items(), key=lambda p: -p[1]))
        low, high = found.interval["named_right"]
        row = (
            f"| {label} | {found.images} | {found.named_right:.1%} | {low:.1%} to {high:.1%} "
            f"| {found.named_wrong:.1%} | {found.unknown:.1%} | {mistakes} |"
        )
        lines.append(row.replace("\n", " "))
    return "\n".join(lines) + "\n"
