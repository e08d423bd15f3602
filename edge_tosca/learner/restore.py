"""Put a backup in the place of a store, and keep what was forgotten since then forgotten."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from edge_tosca.errors import EdgeToscaError, StoreError
from edge_tosca.learner.forget import erase_rows
from edge_tosca.store.backup import Copied, checked_target, verified
from edge_tosca.store.copies import kept_name, known_copies, note_copy
from edge_tosca.store.database_copy import PICTURES, copy_database, put_in_place, staged
from edge_tosca.store.database_file import kind_of_file, open_file
from edge_tosca.store.forget_notes import (
    FORGOTTEN_SETTING,
    ForgetNote,
    add_notes,
    followed,
    read_notes,
    rows_of_notes,
)
from edge_tosca.store.location import real_path
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.system.blas import one_blas_thread

State = Literal["erased", "may have it", "not there", "failed"]


@dataclass(frozen=True)
class Restored:
    """A store that was restored.

    Attributes:
        copy: the copy that it was restored from, as verified.
        forgotten: classes that were erased, because they were forgotten since the copy was made.
        kept: path of the file that it replaced; None where there was none.
    """

    copy: Copied
    forgotten: tuple[str, ...]
    kept: Path | None

    def to_json(self) -> dict[str, Any]:
        """Return the result as values that JSON can hold."""
        kept = None if self.kept is None else str(self.kept)
        copied = self.copy.to_json()
        del copied["noted"]
        return {**copied, "forgotten": list(self.forgotten), "kept": kept}


@dataclass(frozen=True)
class CopyState:
    """What a known copy of a store has of a forgotten class.

    Attributes:
        path: of the copy.
        state: "erased" if it follows all notes of the store.
        reason: why erasing failed.
    """

    path: Path
    state: State
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the state as values that JSON can hold."""
        return {**asdict(self), "path": str(self.path)}


def restore(file: Path, store: Path, key_file: Path | None = None, *, force: bool = False) -> Restored:
    """Put a verified copy of a backup in the place of a store, in one step.

    Classes that were forgotten since the backup are erased from it before. Their notes lie beside the store
    or beside the backup.

    Args:
        file: path of the backup, which stays as it is.
        store: path of the store.
        key_file: with the backup's key; see `find_key` for the other sources of a key.
        force: a store may be there; it is kept under another name.

    Returns:
        What was restored.

    Raises:
        StoreError: the backup does not match its audit log, a store is there or in use, or the disk is full;
            then nothing was changed.
    """
    open_file(file).close()
    target = checked_target(store, file, force=force or kind_of_file(store) == "nothing")
    notes = [*read_notes(target), *read_notes(file)]
    with staged(target) as successor:
        with _naming(successor, file):
            copy_database(real_path(file), successor, store)
            copied = verified(successor, file, key_file)
            pictures = Path(f"{real_path(file)}{PICTURES}")
            if pictures.is_file():
                copy_database(pictures, Path(f"{successor}{PICTURES}"), Path(f"{store}{PICTURES}"))
            forgotten = _prepare(successor, notes, key_file)
        add_notes(target, notes)
        replaces = kind_of_file(store) != "nothing"
        kept = kept_name(target, "replaced") if replaces else None
        # What is there without a store is an empty file, and nothing to keep.
        put_in_place(successor, target, kept, force=replaces or target.exists())
    note_copy(target, file)
    return Restored(copied, forgotten, kept)


def follow_notes(store: Store, notes: Iterable[ForgetNote]) -> tuple[str, ...]:
    """Erase the classes from a copy that its store has forgotten since.

    Args:
        store: the copy.
        notes: of the store; those that the copy follows already are passed over.

    Returns:
        Names of the classes that were erased.

    Raises:
        StoreError: the copy cannot be written.
    """
    new = [note for note in notes if note.id not in followed(store.settings)]
    if not new:
        return ()
    with one_blas_thread(), store.transaction(keep_copy=False):
        store.audit_log.set_command("forget")
        found = rows_of_notes(store, new)
        labels = sorted(
            {
                group.label
                for task in store.tasks_ever()
                for group in task.groups
                if group.id in found.get(task.id, ())
            }
        )
        if found:
            erase_rows(store, found, labels)
        ids = followed(store.settings) | {note.id for note in new}
        store.set_setting(FORGOTTEN_SETTING, " ".join(sorted(ids)))
    try:
        follow_store(store)
    finally:
        store.scrub()
    return tuple(label.strip() for label in labels)


def copies_of(store: Path) -> list[CopyState]:
    """List the known copies of a store that do not follow all its notes of forgotten classes.

    Args:
        store: path of the store.

    Raises:
        StoreError: the notes or the list of copies cannot be read.
    """
    notes = {note.id for note in read_notes(store)}
    found: list[CopyState] = []
    for path in known_copies(store):
        if not path.exists():
            found.append(CopyState(path, "not there"))
        elif not notes <= _followed_by(path):
            found.append(CopyState(path, "may have it"))
    return found


def erase_in_copies(store: Path, key_file: Path | None = None) -> list[CopyState]:
    """Erase all classes that a store has forgotten in the copies of it that are known.

    Args:
        store: path of the store.
        key_file: with the key of the copies; see `find_key` for the other sources of a key.

    Returns:
        What was done in each known copy.

    Raises:
        StoreError: the notes or the list of copies cannot be read.
    """
    notes = read_notes(store)
    return [_erase_in(path, notes, key_file) for path in known_copies(store)]


def _erase_in(path: Path, notes: list[ForgetNote], key_file: Path | None) -> CopyState:
    if not path.exists():
        return CopyState(path, "not there")
    try:
        copy = Store.open(path, key_file)
        try:
            follow_notes(copy, notes)
        finally:
            copy.close()
    except EdgeToscaError as error:
        return CopyState(path, "failed", str(error))
    return CopyState(path, "erased")


def _followed_by(path: Path) -> set[str]:
    # A setting is not encrypted, so no key is needed.
    try:
        connection = open_file(path)
        with contextlib.closing(connection):
            query = "SELECT key, value FROM settings WHERE key = ?"
            return followed(dict(connection.execute(query, (FORGOTTEN_SETTING,)).fetchall()))
    except (EdgeToscaError, sqlite3.Error):
        return set()


def _prepare(successor: Path, notes: list[ForgetNote], key_file: Path | None) -> tuple[str, ...]:
    store = Store.open(successor, key_file)
    try:
        # A backup of another program may have left the mode in which readers and writers share the file.
        store.use_write_ahead_log()
        return follow_notes(store, notes)
    finally:
        store.close()


@contextlib.contextmanager
def _naming(successor: Path, file: Path) -> Iterator[None]:
    """Name the backup in errors, in place of the copy of it that is deleted afterwards."""
    try:
        yield
    except StoreError as error:
        raise StoreError(str(error).replace(str(successor), str(file))) from None
