"""Pictures of what was taught, kept beside the store only where the user says so.

They lie in one SQLite file, STORE.pictures, which is there exactly while the setting is on; only the console
puts pictures into it. A picture belongs to a class of the store by the number of its row, so renames, merges
and rollbacks need nothing done. What is forgotten is erased by whoever forgets it, or else when the console
next compares the file with the store. Pictures of an encrypted store are encrypted under its key, and plain
ones are erased when a store is encrypted.
"""

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edge_tosca.errors import StoreError
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.state import Task

MOST_OF_A_CLASS = 24
MOST = 2000
"""Pictures in all, about 80 MB; the oldest give way."""

_TABLE = """
CREATE TABLE IF NOT EXISTS pictures (
    id TEXT PRIMARY KEY,
    class INTEGER NOT NULL,
    learned_at TEXT NOT NULL,
    sealed INTEGER NOT NULL,
    jpeg BLOB NOT NULL
);
"""

_COLUMN = "kept.jpeg"


class Shown(Protocol):
    """A picture that can be kept: a JPEG of it, and how sharp it is."""

    @property
    def jpeg(self) -> bytes:
        """A small copy."""

    @property
    def sharpness(self) -> float:
        """The sharper ones are kept."""


class Thumbnails:
    """The file of kept pictures; one connection, for one thread at a time."""

    def __init__(self, store: Path) -> None:
        self.path = path_of(store)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._cipher: PlainRows = PLAIN_ROWS
        if self.path.exists():
            self.turn_on()

    @property
    def on(self) -> bool:
        """Whether pictures are kept."""
        return self._connection is not None

    def turn_on(self) -> None:
        """Keep pictures from now on.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock, _told(self.path):
            if self._connection is None:
                # Nobody else on the box may read it; SQLite alone would leave that to the umask.
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
                connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute(_TABLE)
                self._connection = connection

    def turn_off(self) -> None:
        """Erase everything that was kept, and keep nothing from now on.

        Raises:
            StoreError: the file cannot be erased.
        """
        with self._lock, _told(self.path):
            if self._connection is not None:
                # Overwritten first: an unlinked file's content stays on the disk. A damaged one goes unread.
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("DELETE FROM pictures")
            self.close()
            for suffix in ("", "-journal"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def keep(
        self, task: Task, pictures: Mapping[str, Sequence[Shown]], cipher: PlainRows = PLAIN_ROWS
    ) -> None:
        """Keep pictures of a task that was just taught, the sharpest of each class.

        Args:
            task: as the store has it.
            pictures: label to what was taught.
            cipher: of the store.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock, _told(self.path):
            self._cipher = cipher
            if self._connection is None:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            with _all_or_nothing(self._connection):
                for group in task.groups:
                    sharpest = sorted(pictures.get(group.label, ()), key=lambda shown: -shown.sharpness)
                    named = [(secrets.token_urlsafe(12), one.jpeg) for one in sharpest[:MOST_OF_A_CLASS]]
                    self._connection.executemany(
                        "INSERT INTO pictures VALUES (?, ?, ?, ?, ?)",
                        [
                            (
                                key,
                                group.id,
                                task.learned_at,
                                cipher.encrypted,
                                cipher.encrypt(_COLUMN, key, jpeg),
                            )
                            for key, jpeg in named
                        ],
                    )
                self._connection.execute(
                    "DELETE FROM pictures WHERE rowid <= (SELECT max(rowid) FROM pictures) - ?", (MOST,)
                )

    def follow(self, tasks: Sequence[Task], cipher: PlainRows = PLAIN_ROWS) -> int:
        """Erase the pictures of what the store does not have any more, and those that it would now encrypt.

        Args:
            tasks: all that the store has, live or not.
            cipher: of the store.

        Returns:
            Pictures that were erased.

        Raises:
            StoreError: the file cannot be written.
        """
        there = {(group.id, task.learned_at) for task in tasks for group in task.groups}
        with self._lock, _told(self.path):
            self._cipher = cipher
            if self._connection is None:
                return 0
            query = "DELETE FROM pictures WHERE sealed != ?"
            plain = self._connection.execute(query, (cipher.encrypted,)).rowcount
            kept = self._connection.execute("SELECT DISTINCT class, learned_at FROM pictures").fetchall()
            gone = [pair for pair in kept if pair not in there]
            query = "DELETE FROM pictures WHERE class = ? AND learned_at = ?"
            return plain + sum(self._connection.execute(query, pair).rowcount for pair in gone)

    def of(self, groups: Sequence[int], most: int) -> list[str]:
        """List pictures of a class.

        Args:
            groups: rows of the class in the store.
            most: pictures.

        Returns:
            Their ids, the sharpest of each lesson first.
        """
        with self._lock, _told(self.path):
            if self._connection is None or not groups:
                return []
            marks = ", ".join("?" * len(groups))
            query = f"SELECT id FROM pictures WHERE class IN ({marks}) ORDER BY rowid LIMIT ?"
            return [key for (key,) in self._connection.execute(query, (*groups, most))]

    def picture(self, key: str) -> bytes | None:
        """Give the JPEG of a picture by its id."""
        with self._lock, _told(self.path):
            if self._connection is None:
                return None
            row = self._connection.execute("SELECT jpeg FROM pictures WHERE id = ?", (key,)).fetchone()
            # The key of a moment ago opens nothing that another one sealed.
            with contextlib.suppress(StoreError):
                return None if row is None else self._cipher.decrypt(_COLUMN, key, row[0])
            return None


def follow_store(store: StoreReader, *, other_key: bool = False) -> None:
    """Erase the kept pictures that a store does not have any more, if any are kept; outside a transaction.

    Args:
        store: that was changed.
        other_key: everything in it was encrypted anew, so no kept picture can be read any more.

    Raises:
        StoreError: they cannot be erased.
    """
    # A folder of that name is the user's own.
    if not path_of(store.path).is_file():
        return
    with store.snapshot():
        tasks = [] if other_key else store.tasks_ever()
        cipher = store.cipher
    try:
        with contextlib.closing(Thumbnails(store.path)) as kept:
            kept.follow(tasks, cipher)
    except StoreError as error:
        raise StoreError(f"the change is made, but {error}") from None


def path_of(store: Path) -> Path:
    """Give the file of the pictures that are kept beside a store."""
    return Path(f"{store}.pictures")


@contextlib.contextmanager
def _all_or_nothing(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(
            f"{path}: pictures cannot be kept or erased ({reason}); make room, turn their keeping off, or "
            "delete this file"
        ) from None
