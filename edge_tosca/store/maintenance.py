"""Look after a store's file: how large it is, and how to make it smaller without losing anything."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_tosca.store.store import Store

_CONTENTS = {
    "features": ("features", "data"),
    "modules": ("modules", "data"),
    "evidence": ("modules", "evidence"),
    "router": ("routers", "data"),
    "sums": ("statistics", "data"),
    "history": ("generations", "report"),
    "seals": ("seals", "entry"),
}
"""What takes room, and the table and column that hold it."""


@dataclass(frozen=True)
class Content:
    """A part of what a store holds.

    Attributes:
        rows: how many.
        bytes: of all of them.
    """

    rows: int
    bytes: int


@dataclass(frozen=True)
class Stats:
    """A store in numbers.

    Attributes:
        format: of the file.
        bytes: of the file.
        free: bytes in it that nothing uses; `compact` gives them back.
        log: bytes of the write-ahead log beside it.
        generations: changes that made one.
        classes: live ones.
        tasks: live ones.
        images: cached features of live classes.
        contents: what takes room.
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
        """Give the numbers as plain values."""
        return asdict(self)


def stats(store: Store) -> Stats:
    """Measure a store.

    Args:
        store: any store.

    Returns:
        Its numbers, all of one moment.
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
            log=_size(Path(f"{store.path}-wal")),
            generations=state.generation,
            classes=len(state.labels),
            tasks=len(state.tasks),
            images=sum(group.images for group in state.groups),
            contents=contents,
        )


def compact(store: Store) -> tuple[int, int]:
    """Write a store's file anew, without what nothing uses, and empty its log.

    Others may go on reading; who wants to write waits. It needs room for the whole file a second time, and an
    interruption leaves the file as it was.

    Args:
        store: any store.

    Returns:
        Bytes of the file and its log before, and after.

    Raises:
        StoreError: the disk is full, another process writes for too long, or one reads and so keeps the log.
    """
    before = _both(store)
    store.vacuum()
    return before, _both(store)


def _both(store: Store) -> int:
    return _size(store.path) + _size(Path(f"{store.path}-wal"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
