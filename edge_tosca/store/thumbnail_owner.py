"""The store that a file of thumbnails belongs to, and what that store says of its classes."""

import sqlite3
from dataclasses import dataclass, field

from edge_tosca.store.audit.erasures import ClassId
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.state import Task

OWNER_TABLE = "CREATE TABLE IF NOT EXISTS owner (identity TEXT NOT NULL)"
"""One row, once the file has an owner."""


@dataclass(frozen=True)
class Owner:
    """A store, as far as its thumbnails are concerned.

    Attributes:
        identity: digest of its first audit entry; "" for a store of format 1, which has no thumbnails yet.
        cipher: of its rows.
        taught: its classes, live or not.
        erased: the classes that its own changes erased.
    """

    identity: str
    cipher: PlainRows = PLAIN_ROWS
    taught: frozenset[ClassId] = field(default_factory=frozenset)
    erased: frozenset[ClassId] = field(default_factory=frozenset)


def owner_of(store: StoreReader) -> Owner:
    """Describe a store to its file of thumbnails.

    Args:
        store: the store.
    """
    with store.snapshot():
        taught = frozenset(one for task in store.tasks_ever() for one in classes_of(task))
        return Owner(store.identity(), store.cipher, taught, store.erased())


def classes_of(task: Task, label: str | None = None) -> list[ClassId]:
    """Return the classes of a task as the audit log and the thumbnails name them.

    Args:
        task: the task.
        label: only classes of this name; all by default.
    """
    return [(group.id, task.learned_at) for group in task.groups if label in (None, group.label)]


def claim(connection: sqlite3.Connection, owner: Owner) -> bool:
    """Make a store the owner of a file of thumbnails that has none.

    A file of an earlier version has none. It is the store's if it has thumbnails of one of its classes.

    Args:
        connection: to the file.
        owner: the store.

    Returns:
        Whether the file is the store's.
    """
    kept = kept_classes(connection)
    known = connection.execute("SELECT 1 FROM owner").fetchone()
    waits = connection.execute("SELECT 1 FROM waiting").fetchone()
    # An empty file is anybody's.
    if owner.identity and (
        (not kept and (not waits or not known))
        or (not known and not kept.isdisjoint(owner.taught | owner.erased))
    ):
        connection.execute("DELETE FROM owner")
        connection.execute("INSERT INTO owner VALUES (?)", (owner.identity,))
    return is_of(connection, owner.identity)


def is_of(connection: sqlite3.Connection, identity: str) -> bool:
    """Return whether a file of thumbnails belongs to a store, by the store's identity."""
    found: object = connection.execute("SELECT identity FROM owner").fetchone()
    return found == (identity,)


def kept_classes(connection: sqlite3.Connection) -> set[ClassId]:
    """Return the classes that a file has thumbnails of."""
    return set(connection.execute("SELECT DISTINCT class, learned_at FROM pictures"))
