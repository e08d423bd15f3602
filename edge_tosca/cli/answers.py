"""An answer as JSON, and in one line."""

from typing import Any

from edge_tosca.cli.rounding import rounded
from edge_tosca.results import Answer


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain values, rounded, without those that were not requested."""
    found: dict[str, Any] = rounded(answer.to_dict())
    return found


def answer_text(answer: Answer) -> str:
    """Return an answer in one line."""
    guesses = ", ".join(f"{guess.label} {guess.probability:.0%}" for guess in answer.top[1:])
    sure = f"unknown {answer.unknown_probability:.0%}; most like " if answer.unknown else ""
    one_of = f"  one of: {', '.join(answer.set)}" if answer.set is not None else ""
    others = f"  (or {guesses})" if guesses else ""
    noted = f"  note: {answer.note}" if answer.note is not None else ""
    return f"{sure}{answer.label} {answer.probability:.0%}{others}{one_of}{noted}"
