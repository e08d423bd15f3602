"""What the audit log says of erased rows: which classes they were, and which generations they were of.

An entry of a change that erased rows has the key "erased", a list of [row of a class, time at which its task
was learned]. These two name a class whatever it was called. An entry of `prune` has also the key "pruned", a
list of [first, end], for each range of generations in which an erased class was live (first <= number < end).
Neither says anything about pictures.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from edge_tosca.store.audit.hash_chain import AuditEntry, has_table

ERASED = "erased"
PRUNED = "pruned"

ClassId = tuple[int, str]
"""Row of a class, and the time at which its task was learned: a row of a copy may be another class."""


def erased_classes(connection: sqlite3.Connection) -> frozenset[ClassId]:
    """Return all classes that changes of a store erased.

    Args:
        connection: to the store.
    """
    found = set()
    for _, values in _noted(connection, ERASED):
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            row, learned_at = values
            found.add((int(row), str(learned_at)))
    return frozenset(found)


def pruned_at(connection: sqlite3.Connection, generation: int) -> str | None:
    """Return when classes of a generation were pruned.

    Args:
        connection: to the store.
        generation: number of the generation.

    Returns:
        ISO 8601, UTC; None where none of its classes was pruned.
    """
    for at, values in _noted(connection, PRUNED):
        with contextlib.suppress(ValueError, TypeError):
            first, end = values
            if first <= generation < end:
                return at
    return None


def _noted(connection: sqlite3.Connection, key: str) -> Iterator[tuple[str, Any]]:
    """Yield the time of an entry and each value of a list in it."""
    if not has_table(connection, "seals"):
        return
    query = "SELECT number, generation, entry, digest FROM seals WHERE instr(entry, ?) ORDER BY number"
    for row in connection.execute(query, (f'"{key}":',)).fetchall():
        # A malformed entry is reported by `verify`.
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
            content = AuditEntry(*row).content
            at = str(content["by"]["at"])
            yield from ((at, values) for values in list(content.get(key, ())))
