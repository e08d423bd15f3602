"""Thumbnails of the pictures that were taught, kept beside the store only if the user turns this on.

They are in one SQLite file, STORE.pictures, beside the file that the name of the store leads to, which exists
exactly while the setting is on. Only the console adds thumbnails. A thumbnail refers to the row of its class
in the store, so renames, merges and rollbacks need no change. Thumbnails of a forgotten class are erased by
the command that forgets it, or when the console next compares the file with the store. Those of an encrypted
store are encrypted under its key, and plain ones are erased when a store is encrypted.
"""

import contextlib
import os
import secrets
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edge_tosca.errors import StoreError
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.location import real_path, thumbnails_of
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.sqlite_errors import refuse_read_only
from edge_tosca.store.state import Task

MAX_IMAGES_PER_CLASS = 24
MAX_IMAGES = 2000
"""Thumbnails in total, about 80 MB; the oldest are erased."""

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


class KeepableImage(Protocol):
    """A picture that a thumbnail can be kept of."""

    @property
    def jpeg(self) -> bytes:
        """The thumbnail, a JPEG file."""

    @property
    def sharpness(self) -> float:
        """Sharpness of the picture; the sharper ones are kept."""


class Thumbnails:
    """The file of thumbnails; one connection, for one thread at a time."""

    def __init__(self, store: Path) -> None:
        """Open the file of thumbnails if there is one.

        Args:
            store: path of the store.

        Raises:
            StoreError: the file cannot be read, or there is one beside a link to the store too.
        """
        self.path = thumbnails_of(store)
        self._store = store
        _move_from_link(store)
        # SQLite writes its journal into the folder.
        self._read_only = not os.access(self.path.parent, os.W_OK | os.X_OK)
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._cipher: PlainRows = PLAIN_ROWS
        if self.path.exists():
            self.turn_on()

    @property
    def on(self) -> bool:
        """Whether thumbnails are kept."""
        return self._connection is not None

    def turn_on(self) -> None:
        """Create the file, and keep thumbnails from now on.

        Raises:
            StoreError: the file cannot be written.
        """
        if not self.path.exists():
            refuse_read_only(self._store)
        with self._lock, _file_errors(self.path):
            if self._connection is not None:
                return
            if not self._read_only:
                _create_like(self.path, real_path(self._store))
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode={'ro' if self._read_only else 'rw'}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
            )
            connection.execute("PRAGMA secure_delete = ON")
            if not self._read_only:
                connection.execute(_TABLE)
            self._connection = connection

    def turn_off(self) -> None:
        """Erase all thumbnails and the file, and keep none from now on.

        Raises:
            StoreError: the file cannot be erased.
        """
        if self.on:
            refuse_read_only(self._store)
        with self._lock, _file_errors(self.path):
            if self._connection is not None:
                # Overwritten first: the content of an unlinked file stays on the disk. A damaged file is
                # unlinked all the same.
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
        self, task: Task, pictures: Mapping[str, Sequence[KeepableImage]], cipher: PlainRows = PLAIN_ROWS
    ) -> None:
        """Keep thumbnails of a task that was just learned, the sharpest of each class.

        Args:
            task: of the store.
            pictures: label to the pictures that were taught.
            cipher: of the store.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock, _file_errors(self.path):
            self._cipher = cipher
            if self._connection is None:
                return
            self._connection.execute("BEGIN IMMEDIATE")
            with _committed(self._connection):
                for group in task.groups:
                    sharpest = sorted(pictures.get(group.label, ()), key=lambda picture: -picture.sharpness)
                    named = [(secrets.token_urlsafe(12), one.jpeg) for one in sharpest[:MAX_IMAGES_PER_CLASS]]
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
                    "DELETE FROM pictures WHERE rowid <= (SELECT max(rowid) FROM pictures) - ?", (MAX_IMAGES,)
                )

    def follow(self, tasks: Sequence[Task], cipher: PlainRows = PLAIN_ROWS) -> int:
        """Erase the thumbnails of classes that the store no longer has, and plain ones of an encrypted store.

        Args:
            tasks: all of the store, live or not.
            cipher: of the store.

        Returns:
            Number of thumbnails that were erased.

        Raises:
            StoreError: the file cannot be written.
        """
        present = {(group.id, task.learned_at) for task in tasks for group in task.groups}
        with self._lock, _file_errors(self.path):
            self._cipher = cipher
            if self._connection is None or self._read_only:
                return 0
            query = "DELETE FROM pictures WHERE sealed != ?"
            plain = self._connection.execute(query, (cipher.encrypted,)).rowcount
            kept = self._connection.execute("SELECT DISTINCT class, learned_at FROM pictures").fetchall()
            gone = [pair for pair in kept if pair not in present]
            query = "DELETE FROM pictures WHERE class = ? AND learned_at = ?"
            return plain + sum(self._connection.execute(query, pair).rowcount for pair in gone)

    def of(self, groups: Sequence[int], most: int) -> list[str]:
        """List thumbnails of a class.

        Args:
            groups: rows of the class in the store.
            most: largest number of thumbnails.

        Returns:
            Their ids, the sharpest of each lesson first.
        """
        with self._lock, _file_errors(self.path):
            if self._connection is None or not groups:
                return []
            marks = ", ".join("?" * len(groups))
            query = f"SELECT id FROM pictures WHERE class IN ({marks}) ORDER BY rowid LIMIT ?"
            return [key for (key,) in self._connection.execute(query, (*groups, most))]

    def picture(self, key: str) -> bytes | None:
        """Return the JPEG of a thumbnail by its id; None where there is none that can be decrypted."""
        with self._lock, _file_errors(self.path):
            if self._connection is None:
                return None
            row = self._connection.execute("SELECT jpeg FROM pictures WHERE id = ?", (key,)).fetchone()
            # The store may have another key by now, under which the thumbnail was encrypted.
            with contextlib.suppress(StoreError):
                return None if row is None else self._cipher.decrypt(_COLUMN, key, row[0])
            return None


def follow_store(store: StoreReader, *, other_key: bool = False) -> None:
    """Erase the thumbnails of classes that a store no longer has, if any are kept; outside a transaction.

    Args:
        store: that was changed.
        other_key: the store was reencrypted under another data key, which decrypts no thumbnail.

    Raises:
        StoreError: they cannot be erased.
    """
    # A folder of that name belongs to the user.
    if not any(file.is_file() for file in (thumbnails_of(store.path), _beside_link(store.path))):
        return
    with store.snapshot():
        tasks = [] if other_key else store.tasks_ever()
        cipher = store.cipher
    try:
        with contextlib.closing(Thumbnails(store.path)) as kept:
            kept.follow(tasks, cipher)
    except StoreError as error:
        raise StoreError(f"the change is made, but {error}") from None


def _create_like(path: Path, store: Path) -> None:
    """Create the file of thumbnails for the users that can write the store, and for no others."""
    # SQLite alone would leave the permissions to the umask.
    with contextlib.suppress(FileExistsError):
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            status = store.stat()
            if status.st_mode & stat.S_IWGRP:
                os.fchmod(file, 0o660)
            # As SQLite does for the log: what root makes belongs to the user of the store.
            if os.geteuid() == 0:
                os.fchown(file, status.st_uid, status.st_gid)
        except FileNotFoundError:
            pass
        finally:
            os.close(file)


def _beside_link(store: Path) -> Path:
    return Path(f"{store.absolute()}.pictures")


def _move_from_link(store: Path) -> None:
    """Move thumbnails that an earlier version kept beside a link to the store; it looked for them there."""
    old, new = _beside_link(store), thumbnails_of(store)
    if not store.is_symlink() or not old.is_file() or not real_path(store).is_file():
        return
    if not new.exists():
        with contextlib.suppress(OSError):
            old.rename(new)
            return
    raise StoreError(
        f"{old} holds kept pictures too, which only {new} may; delete {old}, or move it there if it is the "
        "only one"
    )


@contextlib.contextmanager
def _committed(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        reason = " ".join(str(error).split())
        raise StoreError(
            f"{path}: pictures cannot be kept or erased ({reason}); make room, turn their keeping off, or "
            "delete this file"
        ) from None
