"""Find lessons that were undone long ago, whose features are given back.

A lesson is undone when a rollback takes out all of its classes. It can be restored as long as its features
are in the store. Neither the live generation nor the one before it nor the one that a rollback without a
number restores loses a lesson.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge_tosca.store.audit.provenance import now
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.validation import damage_errors

RETENTION_DAYS = 30
"""Age from which the next change of a store gives back the features of an undone lesson."""

_CLOCK_SET = datetime(2020, 1, 1, tzinfo=UTC)
"""A box without a clock battery starts in 1970: an earlier time is none."""


@dataclass(frozen=True)
class UndoneLesson:
    """A lesson that no generation to be kept has.

    Attributes:
        task: its row.
        classes: rows of its classes.
        taught_in: number of the generation that taught it.
        generations: ranges of generations in which it was live, [first, end].
    """

    task: int
    classes: tuple[int, ...]
    taught_in: int
    generations: tuple[tuple[int, int], ...]


def undone_lessons(store: StoreReader, days: int) -> list[UndoneLesson]:
    """Find the lessons that were undone longer ago than some days.

    The time is that of the generation that undid the lesson, or if the clock was not set then, of the next
    one made with a clock. Where the clock is not set now, none is old enough.

    Args:
        store: the store.
        days: 0 for all undone lessons, whatever the clock says.

    Returns:
        The lessons, in the order in which they were learned.
    """
    rows = store.query(
        "SELECT c.task, c.id, l.born, l.died FROM lives l JOIN classes c ON c.id = l.class"
        " WHERE c.task NOT IN"
        " (SELECT c.task FROM classes c JOIN lives l ON l.class = c.id WHERE l.died IS NULL)"
        " ORDER BY c.id, l.rowid"
    )
    if not rows:
        return []
    with damage_errors(store.path):
        made = {
            int(number): (str(made_at), str(command), int(parent))
            for number, made_at, command, parent in store.query(
                "SELECT number, made_at, command, coalesce(parent, 0) FROM generations ORDER BY number"
            )
        }
        kept = _kept_generations({number: (command, parent) for number, (_, command, parent) in made.items()})
        classes: dict[int, dict[int, None]] = {}
        lives: dict[int, dict[tuple[int, int], None]] = {}
        for task, row, born, died in rows:
            classes.setdefault(int(task), {})[int(row)] = None
            lives.setdefault(int(task), {})[int(born), int(died)] = None
    at = _time(now())
    times = {number: _time(made_at) for number, (made_at, _, _) in made.items()}
    found = []
    for task, ranges in lives.items():
        if any(first <= number < end for first, end in ranges for number in kept):
            continue
        undone = max(end for _, end in ranges)
        since = next((time for number, time in times.items() if number >= undone and time is not None), None)
        if days == 0 or (at is not None and since is not None and at - since > timedelta(days=days)):
            taught_in = min(first for first, _ in ranges)
            found.append(UndoneLesson(task, tuple(classes[task]), taught_in, tuple(ranges)))
    return found


def rollback_target(generations: Mapping[int, tuple[str, int]]) -> int | None:
    """Return the generation that a rollback without a number restores.

    Args:
        generations: number to command and parent, in ascending order.

    Returns:
        Its number; None where there is nothing to roll back to.

    Raises:
        ValueError, LookupError: a parent is not an earlier generation.
    """
    if any(parent >= number for number, (_, parent) in generations.items()):
        raise ValueError("a generation is not made from an earlier one")
    number = max(generations, default=0)
    while number and generations[number][0] == "rollback":
        number = generations[number][1]
    return generations[number][1] if number else None


def _kept_generations(generations: Mapping[int, tuple[str, int]]) -> set[int]:
    live = max(generations, default=0)
    return {live, live - 1, rollback_target(generations) or 0}


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return time if time >= _CLOCK_SET else None
