"""Measure the file of a store, compact it, and prune its undone lessons."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_tosca.store.location import log_of
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store

_CONTENTS = {
    "features": ("features", "data"),
    "modules": ("modules", "data"),
    "evidence": ("modules", "evidence"),
    "router": ("routers", "data"),
    "sums": ("statistics", "data"),
    "history": ("generations", "report"),
    "seals": ("seals", "entry"),
}
"""Name of a content to the table and column that hold it."""


@dataclass(frozen=True)
class Content:
    """The size of one kind of content.

    Attributes:
        rows: number of rows.
        bytes: of all rows together.
    """

    rows: int
    bytes: int


@dataclass(frozen=True)
class Stats:
    """The size of a store.

    Attributes:
        format: of the file.
        bytes: of the file.
        free: bytes of unused pages, which `compact` returns to the disk.
        log: bytes of the write-ahead log.
        generations: number of the live generation.
        classes: number of live classes.
        tasks: number of live tasks.
        images: number of cached features of live classes.
        contents: size of each kind of content.
    """

    format: int
    bytes: int
    free: int
    log: int
    generations: int
    classes: int
    tasks: int
    images: int
    contents: dict[str, Content]

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as values that JSON can hold."""
        return asdict(self)


def stats(store: Store) -> Stats:
    """Measure a store.

    Args:
        store: any store.

    Returns:
        Its numbers, all at one moment.
    """
    with store.snapshot():
        state = store.state()
        numbers = {
            name: int(store.query(f"PRAGMA {name}")[0][0])
            for name in ("user_version", "page_size", "freelist_count")
        }
        tables = {name for (name,) in store.query("SELECT name FROM sqlite_master")}
        contents = {
            name: Content(
                *store.query(f"SELECT count(*), coalesce(sum(length({column})), 0) FROM {table}")[0]
            )
            for name, (table, column) in _CONTENTS.items()
            if table in tables
        }
        return Stats(
            format=numbers["user_version"],
            bytes=_size(store.path),
            free=numbers["freelist_count"] * numbers["page_size"],
            log=_size(log_of(store.path)),
            generations=state.generation,
            classes=len(state.labels),
            tasks=len(state.tasks),
            images=sum(group.images for group in state.groups),
            contents=contents,
        )


def compact(store: Store) -> tuple[int, int]:
    """Rewrite the file of a store without its unused pages, and empty its log.

    Other processes can read meanwhile; writers wait. The disk needs room for a second copy of the file. An
    interruption leaves the file as it was.

    Args:
        store: any store.

    Returns:
        Bytes of the file and its log together, before and after.

    Raises:
        StoreError: the disk is full, another process writes for too long, or one reads and so keeps the log.
    """
    before = _file_and_log(store)
    store.vacuum()
    return before, _file_and_log(store)


@dataclass(frozen=True)
class Pruned:
    """The result of pruning.

    Attributes:
        lessons: number of undone lessons whose features were given back.
        images: number of their cached features.
        restorable: number of undone lessons that are left, for they are too young or may be restored yet.
    """

    lessons: int
    images: int
    restorable: int

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as values that JSON can hold."""
        return asdict(self)


def prune(store: Store, days: int) -> Pruned:
    """Give back the features of lessons that were undone, with thumbnails of them, and empty the log.

    Args:
        store: any store.
        days: age of the lessons since they were undone; 0 for all of them.

    Returns:
        What was pruned.

    Raises:
        StoreError: the store or its thumbnails cannot be written.
    """
    with store.transaction():
        before = store.images()
        lessons = store.prune(days)
        images = store.images()
        state = store.state()
        live = {task.id for task in (*state.tasks, *state.none)}
        left = sum(task.id not in live for task in store.tasks_ever())
    follow_store(store)
    if lessons:
        store.checkpoint()
    return Pruned(len(lessons), before - images, left)


def _file_and_log(store: Store) -> int:
    return _size(store.path) + _size(log_of(store.path))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
