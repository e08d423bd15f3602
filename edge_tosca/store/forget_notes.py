"""Notes of forgotten classes beside a store, so that a restored copy does not bring them back.

`STORE.forgotten` has one JSON object a line, and outlives the store. A note names the erased rows by numbers
that say nothing of their contents: the row of the class, and when its task was learned. It also has a salted
digest of the class's name, under the store's key if it has one, for rows of the class that a copy has and the
store no longer had. A store lists the notes that it follows in a setting, which every copy has as well. So a
class that is taught again after it was forgotten stays in the copies that are made from then on.
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_tosca.digests import sha256
from edge_tosca.errors import StoreError
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.copies import read_beside, write_beside
from edge_tosca.store.crypto.row_cipher import PlainRows
from edge_tosca.store.location import real_path
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.schema import LABEL_COLUMN
from edge_tosca.store.validation import damage_errors

FORGOTTEN_SETTING = "forgotten"
"""Setting that lists the notes that a store follows, by their ids."""

_SUFFIX = ".forgotten"

Rows = tuple[tuple[int, str], ...]
"""Row of a class, and when its task was learned; together they are never used twice."""


@dataclass(frozen=True)
class ForgetNote:
    """One forgotten class.

    Attributes:
        id: random.
        at: ISO 8601, UTC.
        erased: the rows of the class.
        kept: rows that had its name once and live under another one.
        salt: of the digest.
        name: digest of the name.
    """

    id: str
    at: str
    erased: Rows
    kept: Rows
    salt: str
    name: str

    def has_name(self, label: str, cipher: PlainRows) -> bool:
        """Return whether a class of this name was forgotten.

        Args:
            label: the name.
            cipher: of the store in which it was.
        """
        return _digest(label, self.salt, cipher) == self.name


def make_note(store: StoreReader, label: str, found: Mapping[int, list[int]]) -> ForgetNote:
    """Make the note of a class that is being forgotten.

    Args:
        store: that has the class still.
        label: the class.
        found: rows of its tasks to its rows.

    Returns:
        The note.

    Raises:
        StoreError: a class names a task that is not there.
    """
    tasks = {task.id: task.learned_at for task in store.tasks_ever()}
    with damage_errors(store.path):
        erased = {(group, tasks[task]) for task, groups in found.items() for group in groups}
        ever = {(group, tasks[task]) for task, groups in store.groups_ever(label).items() for group in groups}
    salt = secrets.token_hex(16)
    digest = _digest(label, salt, store.cipher)
    return ForgetNote(
        secrets.token_hex(8), now(), tuple(sorted(erased)), tuple(sorted(ever - erased)), salt, digest
    )


def rows_of_notes(store: StoreReader, notes: Iterable[ForgetNote]) -> dict[int, list[int]]:
    """Find the rows of forgotten classes in a copy of the store that forgot them.

    Args:
        store: the copy.
        notes: of the store.

    Returns:
        Row of a task to the rows of its classes that are to be erased.
    """
    tasks = store.tasks_ever()
    learned_at = {group.id: task.learned_at for task in tasks for group in task.groups}
    state = store.state()
    live = {group.id: group.label for group in (*state.groups, *state.none_groups)}
    stored = store.query("SELECT DISTINCT label FROM lives")
    labels = [store.cipher.decrypt_name(LABEL_COLUMN, label) for (label,) in stored]
    gone: set[int] = set()
    for note in notes:
        gone |= {row for row, at in note.erased if learned_at.get(row) == at}
        kept = {row for row, at in note.kept if learned_at.get(row) == at}
        for label in (one for one in labels if note.has_name(one, store.cipher)):
            ever = {row for rows in store.groups_ever(label).values() for row in rows}
            gone |= {row for row in ever - kept if live.get(row, label) == label}
    found = {task.id: [group.id for group in task.groups if group.id in gone] for task in tasks}
    return {task: rows for task, rows in found.items() if rows}


def followed(settings: Mapping[str, str]) -> set[str]:
    """Return the ids of the notes that a store follows.

    Args:
        settings: of the store.
    """
    return set(settings.get(FORGOTTEN_SETTING, "").split())


def read_notes(store: Path) -> list[ForgetNote]:
    """Read the notes beside a store or a copy of it, which need not be there.

    Args:
        store: its path.

    Returns:
        The notes, the oldest first.

    Raises:
        StoreError: they cannot be read.
    """
    try:
        return [_parsed(json.loads(line)) for line in read_beside(store, _SUFFIX)]
    except (ValueError, TypeError, LookupError, RecursionError):
        raise StoreError(
            f"{real_path(store)}{_SUFFIX} is damaged; restore a copy of it, or delete it if no copy of the "
            "store holds a forgotten class"
        ) from None


def add_notes(store: Path, notes: Iterable[ForgetNote]) -> None:
    """Add notes to those beside a store or a copy of it.

    Args:
        store: its path.
        notes: to add; those that are there already are not added again.

    Raises:
        StoreError: the file of notes cannot be read or written.
    """
    present = read_notes(store)
    known = {note.id for note in present}
    new = [note for note in notes if note.id not in known]
    if new:
        _write(store, [*present, *new])


def drop_note(store: Path, note: ForgetNote) -> None:
    """Delete a note whose class was not forgotten after all.

    Args:
        store: path of the store.
        note: the note.
    """
    present = read_notes(store)
    if note in present:
        _write(store, [other for other in present if other != note])


def _write(store: Path, notes: list[ForgetNote]) -> None:
    write_beside(store, _SUFFIX, "".join(json.dumps(asdict(note)) + "\n" for note in notes).encode())


def _parsed(values: dict[str, object]) -> ForgetNote:
    texts = {key: values[key] for key in ("id", "at", "salt", "name")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ValueError("a note of a forgotten class has a field that is no text")
    return ForgetNote(
        id=str(texts["id"]),
        at=str(texts["at"]),
        erased=_rows(values["erased"]),
        kept=_rows(values["kept"]),
        salt=str(texts["salt"]),
        name=str(texts["name"]),
    )


def _rows(values: object) -> Rows:
    if not isinstance(values, list):
        raise ValueError("a note of a forgotten class has no list of rows")
    return tuple((int(row), str(at)) for row, at in values)


def _digest(label: str, salt: str, cipher: PlainRows) -> str:
    message = f"{salt} {label}".encode(errors="surrogatepass")
    return cipher.mac(message) or sha256(message)
