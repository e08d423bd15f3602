"""Thumbnails of the pictures that were taught, kept beside the store only if the user turns this on.

They are in one SQLite file, STORE.pictures, beside the file that the name of the store leads to, which
exists exactly while the setting is on. Only the console adds thumbnails. A thumbnail refers to the row of
its class in the store, so renames, merges and rollbacks need no change. Thumbnails of a forgotten or pruned
class are erased by the command that does it, or when the console next compares the file with the store: what
the audit log names as erased, and nothing else. The same file keeps the pictures that wait for a lesson or a
name (`waiting_pictures`). The file belongs to one store, and is left alone while
another one lies in that store's place. Those of an encrypted store are encrypted under its key, and plain
ones are erased when a store is encrypted.
"""

import contextlib
import os
import secrets
import sqlite3
import stat
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edge_tosca.errors import StoreError
from edge_tosca.store.audit.erasures import ClassId
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.location import real_path, thumbnails_of
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.sqlite_errors import refuse_read_only
from edge_tosca.store.state import Task
from edge_tosca.store.thumbnail_owner import OWNER_TABLE, Owner, claim, is_of, kept_classes, owner_of
from edge_tosca.store.waiting_pictures import (
    WAITING_TABLE,
    WaitingRow,
    erase_waiting,
    read_waiting,
    write_waiting,
)

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
        self._ours = False
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
                connection.execute(OWNER_TABLE)
                connection.execute(WAITING_TABLE)
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
                    self._connection.execute("DELETE FROM waiting")
            self.close()
            for suffix in ("", "-journal"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def keep(self, task: Task, pictures: Mapping[str, Sequence[KeepableImage]], owner: Owner) -> None:
        """Keep thumbnails of a task that was just learned, the sharpest of each class.

        Args:
            task: of the store.
            pictures: label to the pictures that were taught.
            owner: the store.

        Raises:
            StoreError: the file cannot be written, or belongs to another store.
        """
        cipher = owner.cipher
        with self._lock, _file_errors(self.path):
            if self._connection is None:
                return
            self._take(claim(self._connection, owner), owner.cipher)
            if not self._ours:
                raise StoreError(
                    f"{self.path} has the pictures of another store; put that store back, or delete this file"
                )
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

    def follow(self, owner: Owner, *, all_classes: bool = False, labels: Collection[str] = ()) -> int:
        """Erase the thumbnails of classes that the store erased, and plain ones of an encrypted store.

        Args:
            owner: the store; nothing is erased where the file belongs to another one.
            all_classes: erase all thumbnails, and all waiting pictures.
            labels: names of forgotten classes, whose waiting pictures are erased.

        Returns:
            Number of thumbnails that were erased.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock, _file_errors(self.path):
            if self._connection is None:
                return 0
            if self._read_only:
                self._take(is_of(self._connection, owner.identity), owner.cipher)
                return 0
            self._take(claim(self._connection, owner), owner.cipher)
            if not self._ours:
                return 0
            erase_waiting(self._connection, owner.cipher, labels, every=all_classes)
            query = "DELETE FROM pictures WHERE sealed < ? OR ?"
            plain = self._connection.execute(query, (owner.cipher.encrypted, all_classes)).rowcount
            gone = kept_classes(self._connection) & owner.erased
            query = "DELETE FROM pictures WHERE class = ? AND learned_at = ?"
            return plain + sum(self._connection.execute(query, one).rowcount for one in gone)

    def waiting(self, owner: Owner) -> dict[str, WaitingRow]:
        """Read the pictures that wait.

        Args:
            owner: the store; nothing is read where the file belongs to another one.

        Returns:
            Rows by id, the oldest first.

        Raises:
            StoreError: the file cannot be read or decrypted.
        """
        with self._lock, _file_errors(self.path):
            if self._connection is None or not is_of(self._connection, owner.identity):
                return {}
            return read_waiting(self._connection, owner.cipher)

    def save_waiting(self, rows: Mapping[str, WaitingRow], gone: Iterable[str], owner: Owner) -> bool:
        """Write and erase pictures that wait.

        Args:
            rows: by id; those that are there already are replaced.
            gone: ids of pictures that wait no longer.
            owner: the store.

        Returns:
            Whether they are in the file: no if none are kept, or the file is another store's or read-only.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock, _file_errors(self.path):
            if self._connection is None or self._read_only:
                return False
            self._take(claim(self._connection, owner), owner.cipher)
            if not self._ours:
                return False
            self._connection.execute("BEGIN IMMEDIATE")
            with _committed(self._connection):
                write_waiting(self._connection, owner.cipher, rows, gone)
            return True

    def use(self, owner: Owner) -> None:
        """Read the thumbnails as those of a store, and change nothing.

        Args:
            owner: the store.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._lock, _file_errors(self.path):
            if self._connection is not None:
                self._take(is_of(self._connection, owner.identity), owner.cipher)

    def of(self, classes: Sequence[ClassId], most: int, identity: str) -> list[str]:
        """List thumbnails of a class.

        Args:
            classes: the groups of the class in the store.
            most: largest number of thumbnails.
            identity: of the store.

        Returns:
            Their ids, the sharpest of each lesson first; none where the file belongs to another store.
        """
        with self._lock, _file_errors(self.path):
            if self._connection is None or not classes:
                return []
            self._ours = is_of(self._connection, identity)
            if not self._ours:
                return []
            marks = ", ".join(["(?, ?)"] * len(classes))
            query = (
                f"SELECT id FROM pictures WHERE (class, learned_at) IN (VALUES {marks})"
                " ORDER BY rowid LIMIT ?"
            )
            values = [value for one in classes for value in one]
            return [key for (key,) in self._connection.execute(query, (*values, most))]

    def picture(self, key: str) -> bytes | None:
        """Return the JPEG of a thumbnail by its id; None where there is none that can be decrypted."""
        with self._lock, _file_errors(self.path):
            if self._connection is None or not self._ours:
                return None
            row = self._connection.execute("SELECT jpeg FROM pictures WHERE id = ?", (key,)).fetchone()
            # The store may have another key by now, under which the thumbnail was encrypted.
            with contextlib.suppress(StoreError):
                return None if row is None else self._cipher.decrypt(_COLUMN, key, row[0])
            return None

    def _take(self, ours: bool, cipher: PlainRows) -> None:
        self._ours, self._cipher = ours, cipher


def follow_store(store: StoreReader, *, other_key: bool = False, labels: Collection[str] = ()) -> None:
    """Erase the thumbnails of classes that a store erased, if any are kept; outside a transaction.

    Args:
        store: that was changed.
        other_key: the store was reencrypted under another data key, which decrypts no thumbnail.
        labels: names of forgotten classes, whose waiting pictures are erased.

    Raises:
        StoreError: they cannot be erased.
    """
    # A folder of that name belongs to the user.
    if not any(file.is_file() for file in (thumbnails_of(store.path), _beside_link(store.path))):
        return
    owner = owner_of(store)
    try:
        with contextlib.closing(Thumbnails(store.path)) as kept:
            kept.follow(owner, all_classes=other_key, labels=labels)
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
