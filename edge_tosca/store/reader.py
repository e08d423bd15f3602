"""Read a store: its generations, and the arrays that are derived from them."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from edge_tosca.arrays import Array
from edge_tosca.digests import sha256
from edge_tosca.errors import StoreError, in_one_line
from edge_tosca.labels import NONE_LABEL
from edge_tosca.store.audit.erasures import ClassId, erased_classes, pruned_at
from edge_tosca.store.audit.hash_chain import AuditEntry, AuditLog
from edge_tosca.store.crypto.keys import UserKey, cipher_of
from edge_tosca.store.crypto.row_cipher import PlainRows
from edge_tosca.store.damage import ANSWERING, differing_content, digest_of_blob
from edge_tosca.store.read_only_media import FileVersion
from edge_tosca.store.schema import EMPTY_REPORT, ENCRYPTION_SETTING, LABEL_COLUMN, MODULE_COLUMN
from edge_tosca.store.source_images import SourceImages
from edge_tosca.store.sqlite_errors import sqlite_errors
from edge_tosca.store.state import Generation, State, Task, TaskClass, TaughtClass
from edge_tosca.store.tally import Tally
from edge_tosca.store.tensor_blobs import read_arrays
from edge_tosca.store.validation import (
    checked_features,
    checked_group,
    checked_images,
    checked_numbers,
    checked_report,
    checked_settings,
    damage_errors,
    feature_widths,
)
from edge_tosca.system.files import file_identity

_T = TypeVar("_T")


class StoreReader:
    """Reads the rows of a store, and translates errors of SQLite and of malformed rows.

    Attributes:
        path: of the store, as the caller named it.
        read_only: the file is on media that cannot be written, see `edge_tosca.store.read_only_media`.
        settings: by name.
        bundle_folder: of the backbone, whose reference pictures help to place the threshold; None for the one
            that ships with edge-tosca.
        cipher: of the rows.
        pictures: the source images.
        audit_log: of the store.
        tally: the counts.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, user_key: UserKey | None = None) -> None:
        self.path = path
        self._connection = connection
        self._place = path.absolute()
        self._file = file_identity(self._place)
        self.read_only = bool(connection.execute("PRAGMA query_only").fetchone()[0])
        self._version = FileVersion.of(self._place)
        self.settings: dict[str, str] = self._read_settings()
        self._read_with(cipher_of(path, self.settings.get(ENCRYPTION_SETTING), user_key))
        self._unchanged_since: tuple[int, int] | None = None
        self._last_read: dict[str, Any] = {}
        self._reuses = False
        folder = self.settings.get("bundle", "")
        self.bundle_folder: Path | None = Path(folder) if folder else None

    def _read_settings(self) -> dict[str, str]:
        with sqlite_errors(self.path):
            rows = self._connection.execute("SELECT key, value FROM settings").fetchall()
        return checked_settings(dict(rows), self.path)

    def _take_settings(self, settings: dict[str, str]) -> None:
        # In place: other objects hold this dict.
        self.settings.clear()
        self.settings.update(settings)

    def _read_with(self, cipher: PlainRows) -> None:
        self.cipher = cipher
        self.pictures = SourceImages(self._connection, cipher)
        self.audit_log = AuditLog(self._connection, cipher)
        self.tally = Tally(self._connection, cipher)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @property
    def outdated(self) -> bool:
        """Whether an immutable file was changed all the same since it was opened."""
        return self.read_only and FileVersion.of(self._place) != self._version

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the store in the block, whatever other processes write meanwhile.

        Neither waits for the other. Inside a transaction it has no effect.

        Raises:
            StoreError: another process has replaced, migrated or reencrypted the store.
        """
        if self._connection.in_transaction:
            yield
            return
        self._require_up_to_date()
        with sqlite_errors(self.path):
            self._connection.execute("BEGIN")
            try:
                self._look_for_changes()
                self._reuses = True
                yield
                self._require_up_to_date()
            finally:
                self._reuses = False
                self._connection.execute("ROLLBACK")

    def _look_for_changes(self) -> None:
        """Forget what was read before the file was changed by this connection or another one.

        SQLite counts both (`PRAGMA data_version`, `sqlite3_total_changes`); to ask costs less than to read.
        """
        version = int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        changes = version, self._connection.total_changes
        if changes != self._unchanged_since:
            self._last_read = {}
            self._require_own_origin()
            self._unchanged_since = changes

    def reuse(self, name: str, read: Callable[[], _T]) -> _T:
        """Return what `read` returns; in a snapshot it is not called again before the file changes.

        Args:
            name: of what it reads.
            read: reads it from this file.
        """
        if not self._reuses:
            return read()
        if name not in self._last_read:
            self._last_read[name] = read()
        found: _T = self._last_read[name]
        return found

    def latest(self) -> int:
        """Return the number of the live generation; 0 before anything was learned."""
        self._require_up_to_date()
        return self.reuse("latest", self._read_latest)

    def _read_latest(self) -> int:
        with sqlite_errors(self.path), damage_errors(self.path):
            return int(self._connection.execute("SELECT max(number) FROM generations").fetchone()[0] or 0)

    def state(self, generation: int | None = None) -> State:
        """Read the tasks and classes of a generation.

        Args:
            generation: its number; the live one by default.

        Returns:
            The state, without classes that were forgotten since.

        Raises:
            StoreError: there is no such generation.
        """
        number = self.latest() if generation is None else generation
        if not 0 <= number <= self.latest():
            raise StoreError(f"{self.path} has no generation {number}; see: edge-tosca history {self.path}")
        groups: dict[int, list[TaskClass]] = {}
        with sqlite_errors(self.path), damage_errors(self.path):
            for task, *group in self._connection.execute(
                "SELECT c.task, c.id, l.label, c.images, c.features,"
                " (SELECT m.label FROM lives m JOIN generations g ON g.number = m.died"
                "  WHERE m.class = c.id AND m.died <= ?1 AND g.command = 'merge' ORDER BY m.rowid LIMIT 1)"
                " FROM lives l JOIN classes c ON c.id = l.class"
                " WHERE l.born <= ?1 AND (l.died IS NULL OR l.died > ?1) ORDER BY c.task, c.position",
                (number,),
            ):
                groups.setdefault(task, []).append(checked_group(self._group(*group)))
            rows = self._connection.execute("SELECT id, name, learned_at, module FROM tasks ORDER BY id")
            tasks = [
                self._task(task, name, learned_at, module, tuple(groups[task]))
                for task, name, learned_at, module in rows
                if task in groups
            ]
        none = tuple(task for task in tasks if task.groups[0].label == NONE_LABEL)
        return State(number, tuple(task for task in tasks if task not in none), none)

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the parts of a feature; one part where the store was made without others."""
        return feature_widths(self.settings)

    def first_part(self, features: Array) -> Array:
        """Return the first part of features: the backbone's last one.

        Args:
            features: [n, d], or [d].

        Returns:
            [n, d_1], or [d_1]; a view.
        """
        return features[..., : self.widths[0]]

    def features(self, group: TaskClass) -> Array:
        """Read the cached features of a group.

        Args:
            group: of any state of this store.

        Returns:
            float16 [n, d].

        Raises:
            StoreError: the store is damaged: they differ from their digest, for example.
        """
        row = group.features
        query = "SELECT data FROM features WHERE id = ?"
        arrays = self._arrays(self._blob(query, "features.data", row, "features"))
        return checked_features(arrays, group, int(self.settings["feature_dim"]), self.path)

    def module(self, digest: str) -> bytes:
        """Read the bytes of a module.

        Args:
            digest: of the bytes, sha256 (hex).

        Returns:
            The bytes of `Module.to_bytes`.

        Raises:
            StoreError: there is no such module, or its bytes have another digest.
        """
        data = self._blob("SELECT data FROM modules WHERE digest = ?", "modules.data", digest)
        if sha256(data) != digest:
            raise StoreError(f"{self.path} is damaged: module {digest[:12]} has other bytes; restore a copy")
        return data

    def evidence(self, digest: str) -> Array:
        """Read the held-out cosines of the pictures that a module was trained on.

        Args:
            digest: of the module.

        Returns:
            float32 [n, k], rows in the order of the task's groups and their pictures; NaN where a picture
            could not be held out.

        Raises:
            StoreError: the store is damaged.
        """
        data = self._blob(
            "SELECT evidence FROM modules WHERE digest = ?", "modules.evidence", digest, "evidence"
        )
        with damage_errors(self.path):
            cosines: Array = self._arrays(data)["cosines"].astype(np.float32)
        return cosines

    def derived(self, table: str, generation: int | None = None) -> dict[str, Array] | None:
        """Read the arrays that are derived from a generation.

        Args:
            table: "statistics" or "routers".
            generation: its number; the live one by default.

        Returns:
            Arrays by name; None where those of another generation are stored, or none.

        Raises:
            StoreError: they differ from their digest, which `store solve` mends, or cannot be read.
        """
        number = self.latest() if generation is None else generation
        with sqlite_errors(self.path), damage_errors(self.path):
            query = f"SELECT 1 FROM {table} WHERE generation = ?"
            if self._connection.execute(query, (number,)).fetchone() is None:
                return None
            with self._connection.blobopen(table, "data", number, readonly=True) as blob:
                self._require_digest(table, number, digest_of_blob(blob))
                return read_arrays(self.cipher.decrypt_blob(f"{table}.data", number, blob))

    def modules(self) -> list[str]:
        """List the digests of all modules."""
        rows = self.query("SELECT digest FROM modules ORDER BY digest")
        return [self.cipher.decrypt_name(MODULE_COLUMN, digest) for (digest,) in rows]

    def tasks_of(self, module: str) -> int:
        """Count the tasks, live or not, with a module; several have one if their pictures are the same.

        Args:
            module: its digest.
        """
        stored = self.cipher.encrypt_name(MODULE_COLUMN, module)
        return int(self.query("SELECT count(*) FROM tasks WHERE module = ?", stored)[0][0])

    def query(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a query of SQL, to examine the file.

        Args:
            question: in SQL; it must change nothing.
            values: of its parameters.

        Returns:
            All rows.

        Raises:
            StoreError: SQLite cannot answer it.
        """
        with sqlite_errors(self.path):
            return self._connection.execute(question, values).fetchall()

    def report(self, generation: int) -> dict[str, object]:
        """Read the report of the command that made a generation.

        Args:
            generation: its number.

        Returns:
            The report; empty where there is none.
        """
        query = "SELECT report FROM generations WHERE number = ?"
        with sqlite_errors(self.path):
            row = self._connection.execute(query, (generation,)).fetchone()
        with damage_errors(self.path):
            return {} if row is None else self._report(generation, row[0])

    def history(self) -> list[Generation]:
        """List all generations, the oldest first."""
        with sqlite_errors(self.path):
            rows = self._connection.execute(
                "SELECT number, coalesce(parent, 0), made_at, command, report FROM generations"
                " ORDER BY number"
            ).fetchall()
            entries = {entry.generation: entry for entry in self.audit_log.all()}
            taught: dict[int, list[TaughtClass]] = {}
            for generation, label, images, digest in self.audit_log.taught():
                taught.setdefault(generation, []).append(TaughtClass(label.strip(), images, digest))
        with damage_errors(self.path):
            for number, parent, *_ in rows:
                checked_numbers(number, parent)
            return [
                Generation(
                    number,
                    parent,
                    made_at,
                    command,
                    self._report(number, report),
                    dict(entries[number].content["by"]) if number in entries else {},
                    tuple(taught.get(number, ())),
                    entries[number].digest if number in entries else "",
                )
                for number, parent, made_at, command, report in rows
            ]

    def groups_ever(self, label: str) -> dict[int, list[int]]:
        """Find the classes that had a label in any generation.

        Args:
            label: name of the class.

        Returns:
            Row of a task to the rows of its classes with the label.
        """
        found: dict[int, list[int]] = {}
        for task, group in self.query(
            "SELECT DISTINCT c.task, c.id FROM lives l JOIN classes c ON c.id = l.class WHERE l.label = ?"
            " ORDER BY c.id",
            self.cipher.encrypt_name(LABEL_COLUMN, label),
        ):
            found.setdefault(task, []).append(group)
        return found

    def labels_ever(self, groups: Iterable[int]) -> set[str]:
        """Return all labels that classes had in any generation.

        Args:
            groups: rows of the classes.
        """
        query = "SELECT DISTINCT label FROM lives WHERE class = ?"
        rows = [label for group in groups for (label,) in self._connection.execute(query, (group,))]
        return {self.cipher.decrypt_name(LABEL_COLUMN, label) for label in rows}

    def groups_of_task(self, task: int) -> list[TaskClass]:
        """List all classes of a task, live or not, without labels; ordered as its module's prototypes."""
        query = "SELECT id, '', images, features FROM classes WHERE task = ? ORDER BY position"
        with sqlite_errors(self.path), damage_errors(self.path):
            rows = self._connection.execute(query, (task,))
            return [
                TaskClass(row, label, checked_images(images), features)
                for row, label, images, features in rows
            ]

    def tasks_ever(self) -> list[Task]:
        """List all tasks, live or not, with all their classes under their latest labels."""
        with sqlite_errors(self.path), damage_errors(self.path):
            rows = self._connection.execute("SELECT id, name, learned_at, module FROM tasks ORDER BY id")
            return [
                self._task(task, name, learned_at, module, self._labelled(task))
                for task, name, learned_at, module in rows.fetchall()
            ]

    def images(self) -> int:
        """Count the cached features of all classes, live or not."""
        return sum(group.images for task in self.tasks_ever() for group in task.groups)

    def used(self) -> int:
        """Return the bytes of all used pages; inside a transaction, with those it has written so far."""
        pages, free, size = (
            int(self.query(f"PRAGMA {name}")[0][0]) for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def page_faults(self) -> list[str]:
        """List what SQLite's quick check finds wrong with the pages of the file, three faults at most.

        Raises:
            StoreError: the file cannot be read.
        """
        # A connection of its own, without `cell_size_check`: that one refuses the file and names no fault.
        where = f"{self._place.as_uri()}?{'immutable=1' if self.read_only else 'mode=rw'}"
        with sqlite_errors(self.path), contextlib.closing(sqlite3.connect(where, uri=True)) as connection:
            rows = [str(verdict) for (verdict,) in connection.execute("PRAGMA quick_check(3)")]
        return [] if rows == ["ok"] else rows

    def room_for_pictures(self, dimensions: int) -> bool:
        """Return whether the features of each class are as large as its number of pictures requires.

        Args:
            dimensions: width of a feature.
        """
        query = (
            "SELECT 1 FROM classes c JOIN features f ON f.id = c.features"
            " WHERE length(f.data) < 2 * c.images * ? LIMIT 1"
        )
        return not self.query(query, dimensions)

    def _labelled(self, task: int) -> tuple[TaskClass, ...]:
        rows = self._connection.execute(
            "SELECT c.id, (SELECT label FROM lives WHERE class = c.id ORDER BY rowid DESC LIMIT 1),"
            " c.images, c.features FROM classes c WHERE c.task = ? ORDER BY c.position",
            (task,),
        )
        # A class whose rows of `lives` were deleted has no label; `verify` reports it.
        return tuple(
            self._group(row, label, checked_images(images), features)
            if label is not None
            else TaskClass(row, "", checked_images(images), features)
            for row, label, images, features in rows
        )

    def _group(self, row: int, label: object, images: int, features: int, merged: object = None) -> TaskClass:
        # A value that is no label is refused by `checked_group`; `verify` reports it.
        named: Any = self.cipher.decrypt_name(LABEL_COLUMN, label) if isinstance(label, str) else label
        own = self.cipher.decrypt_name(LABEL_COLUMN, merged) if isinstance(merged, str) else ""
        return TaskClass(row, named, images, features, own)

    def _task(
        self, row: int, name: object, learned_at: object, module: object, groups: tuple[TaskClass, ...]
    ) -> Task:
        decrypt_name = self.cipher.decrypt_name
        return Task(
            row,
            decrypt_name("tasks.name", name),
            str(learned_at),
            decrypt_name(MODULE_COLUMN, module),
            groups,
        )

    def _report(self, number: int, report: object) -> dict[str, Any]:
        if report == EMPTY_REPORT:
            return {}
        return checked_report(self.cipher.decrypt("generations.report", number, report))

    def _require_own_file(self) -> None:
        """Refuse to go on if the path names another file: no other process would find the changes."""
        if self._file is not None and file_identity(self._place) != self._file:
            raise StoreError(f"{self.path} was moved or replaced while it was open; open it again")

    def _require_up_to_date(self) -> None:
        if self.outdated:
            raise StoreError(f"{self.path} was changed while it was read as a read-only file; open it again")

    def _require_own_origin(self) -> None:
        """Refuse to go on if another process has migrated or reencrypted the store, and so all rows."""
        query = "SELECT key, value FROM settings WHERE key IN ('fingerprint', ?)"
        found = dict(self._connection.execute(query, (ENCRYPTION_SETTING,)))
        if found.get("fingerprint") != self.settings.get("fingerprint"):
            raise StoreError(f"{self.path} was migrated to another backbone or device; open it again")
        if found.get(ENCRYPTION_SETTING) != self.settings.get(ENCRYPTION_SETTING):
            raise StoreError(f"{self.path} was encrypted, decrypted or given another key; open it again")

    def erased(self) -> frozenset[ClassId]:
        """Return the classes that this store's own changes erased, as its audit log names them."""
        with sqlite_errors(self.path):
            return erased_classes(self._connection)

    def pruned_at(self, generation: int) -> str | None:
        """Return when classes of a generation were pruned (ISO 8601, UTC); None where none was."""
        with sqlite_errors(self.path):
            return pruned_at(self._connection, generation)

    def audited(self) -> bool:
        """Return whether the store has an audit log; one of format 1 has none."""
        with sqlite_errors(self.path):
            return self.audit_log.exists()

    def audit_entries(self) -> list[AuditEntry]:
        """List all entries of the audit log, the oldest first; none in a store of format 1.

        Raises:
            StoreError: the file is damaged.
        """
        with sqlite_errors(self.path):
            return self.audit_log.all()

    def identity(self) -> str:
        """Return the digest of the audit log's first entry; "" in a store of format 1.

        Raises:
            StoreError: the file is damaged.
        """
        with sqlite_errors(self.path):
            return self.audit_log.identity()

    def require_digests(self) -> None:
        """Compare all large contents that answers depend on with their digests.

        Raises:
            StoreError: one differs.
        """
        if not self.audited():
            return
        for kind, (table, column, key) in ANSWERING.items():
            for row, name in self.query(f"SELECT rowid, {key} FROM {table}"):
                with (
                    sqlite_errors(self.path),
                    self._connection.blobopen(table, column, row, readonly=True) as blob,
                ):
                    self._require_digest(kind, name, digest_of_blob(blob))

    def _require_digest(self, kind: str, key: object, found: str) -> None:
        with sqlite_errors(self.path):
            # A store of format 1 has no digests.
            differs = self.audit_log.exists() and self.audit_log.digest_of(kind, key) != found
        if differs:
            raise differing_content(self.path, kind)

    def _blob(self, query: str, column: str, key: int | str, kind: str | None = None) -> bytes:
        stored = self.cipher.encrypt_name(MODULE_COLUMN, key) if isinstance(key, str) else key
        with sqlite_errors(self.path):
            row = self._connection.execute(query, (stored,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path} is damaged: a row that it names is missing; restore a copy")
        with damage_errors(self.path):
            data = self.cipher.decrypt(column, key, row[0])
            if kind is not None:
                self._require_digest(kind, stored, sha256(row[0] if self.cipher.encrypted else data))
            return data

    def _arrays(self, data: bytes) -> dict[str, Array]:
        try:
            return load(data)
        except SafetensorError as error:
            raise StoreError(
                f"{self.path} is damaged ({in_one_line(error)}); restore a copy, or init a new store"
            ) from None
