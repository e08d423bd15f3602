"""Write a store: one SQLite file, whose transactions make every change whole or void."""

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import save

from edge_tosca.arrays import Array
from edge_tosca.digests import pictures_digest, row_digests, sha256
from edge_tosca.errors import StoreError
from edge_tosca.labels import NONE_LABEL
from edge_tosca.store.audit.erasures import ERASED, PRUNED
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.crypto.keys import find_key, new_cipher
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.database_file import GROUP, PRIVATE, create_file, open_file, refuse_existing
from edge_tosca.store.format_upgrade import discard_copy, keep_format, upgrade_format
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.reencryption import reencrypt
from edge_tosca.store.retention import RETENTION_DAYS, UndoneLesson, undone_lessons
from edge_tosca.store.schema import (
    BUSY_SECONDS,
    EMPTY_REPORT,
    ENCRYPTION_SETTING,
    LABEL_COLUMN,
    MODULE_COLUMN,
    set_format,
)
from edge_tosca.store.sqlite_errors import obstacle, refuse_read_only, sqlite_errors
from edge_tosca.store.state import TaskClass
from edge_tosca.store.thumbnails import follow_store
from edge_tosca.store.validation import damage_errors

_CHECKPOINT_SECONDS = 2.0
"""How long to wait for the checkpoint of another connection."""


class Change:
    """A transaction in progress."""

    def __init__(self) -> None:
        self.discarded = False

    def discard(self) -> None:
        """Roll the transaction back when it ends."""
        self.discarded = True


class Store(StoreReader):
    """Reads and writes a store.

    Methods that write are to be called inside `transaction`, and take effect together when it ends.
    """

    @classmethod
    def create(
        cls,
        path: Path,
        settings: dict[str, str],
        key_file: Path | None = None,
        *,
        group_access: bool = False,
    ) -> Self:
        """Create a store, encrypted if there is a key.

        Args:
            path: of the SQLite file; nothing, or an empty file, may be there.
            settings: by name.
            key_file: with the key; see `find_key` for the other sources of a key.
            group_access: the group of the file may read and write it too; otherwise its user alone.

        Returns:
            The open store.

        Raises:
            StoreError: something is there already, or the folder cannot be written.
        """
        key = find_key(key_file)
        cipher: PlainRows = PLAIN_ROWS
        if key is not None:
            wrapped, cipher = new_cipher(path, key)
            settings = settings | {ENCRYPTION_SETTING: wrapped}
        mode = GROUP if group_access else PRIVATE
        return cls(path, create_file(path, settings, cipher, mode), key)

    @staticmethod
    def require_free(path: Path, key_file: Path | None = None) -> None:
        """Raise where `create` would, as far as can be known before, for work that comes first.

        Args:
            path: of the future file.
            key_file: with the key.

        Raises:
            StoreError: something is there already, the folder cannot be written, or the key cannot be read.
        """
        find_key(key_file)
        refuse_existing(path)
        if (found := obstacle(path)) is not None:
            raise StoreError(f"{path} cannot be written ({found[0]}); {found[1]}")

    @classmethod
    def open(cls, path: Path, key_file: Path | None = None) -> Self:
        """Open a store that exists.

        Args:
            path: of the SQLite file.
            key_file: with its key; see `find_key` for the other sources of a key.

        Returns:
            The open store.

        Raises:
            StoreError: there is none, it is something else, damaged, of a newer format, or its key is missing
                or wrong.
        """
        return cls(path, open_file(path), find_key(key_file))

    @contextlib.contextmanager
    def transaction(self, *, keep_copy: bool = True) -> Iterator["Change"]:
        """Make all writes in the block take effect at once, or none of them.

        Args:
            keep_copy: keep a copy of a store whose format is upgraded; not for a change that erases.

        Yields:
            The change; after `discard` no write takes effect.

        Raises:
            StoreError: the disk is full, another writer held the store too long, or the file is damaged.
        """
        pruned: list[UndoneLesson] = []
        self.require_writable()
        with sqlite_errors(self.path, changing=True):
            self._connection.execute("BEGIN IMMEDIATE")
            settings, cipher = dict(self.settings), self.cipher
            change = Change()
            kept = None
            try:
                self._require_own_file()
                self._require_own_origin()
                # Another process may have limited the size, or trusted a key.
                self._take_settings(self._read_settings())
                kept = keep_format(self.path, self._connection) if keep_copy else None
                with damage_errors(self.path):
                    upgrade_format(self._connection, self.settings)
                    self.audit_log.begin()
                latest = self.latest()
                yield change
                if change.discarded:
                    self._undo(settings, cipher, kept)
                    return
                with damage_errors(self.path):
                    self.audit_log.end(self.settings)
                    if self.latest() != latest:
                        pruned = self.prune(RETENTION_DAYS)
                self._mark_format()
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo(settings, cipher, kept)
                raise
        if pruned:
            # The console tries again, and so does the next change that prunes.
            with contextlib.suppress(StoreError):
                follow_store(self)

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Make changes of the tally in the block take effect at once or not at all; without an audit entry.

        Raises:
            StoreError: the disk is full, another writer held the store too long, or the file is damaged.
        """
        self.require_writable()
        with sqlite_errors(self.path, changing=True):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._require_own_file()
                self._require_own_origin()
                with damage_errors(self.path):
                    yield
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def _mark_format(self) -> None:
        """Set the format by the contents: encrypted or not, pictures of no class, counts."""
        set_format(self._connection, self.cipher.encrypted, bool(self.groups_ever(NONE_LABEL)))

    def require_writable(self) -> None:
        """Refuse to change a store that can only be read; to be called before long work for a change.

        Raises:
            ReadOnlyStoreError: it is on media that cannot be written.
        """
        if self.read_only:
            refuse_read_only(self.path)
            raise StoreError(f"{self.path} was opened while it could only be read; open it again")

    def _undo(self, settings: dict[str, str], cipher: PlainRows, kept: Path | None) -> None:
        if kept is not None:
            discard_copy(kept)
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._take_settings(settings)
        if self.cipher is not cipher:
            self._read_with(cipher)

    def add_generation(self, command: str, parent: int) -> int:
        """Add a generation.

        Args:
            command: that makes it.
            parent: number of the generation that it is made from; 0 for none.

        Returns:
            Its number.
        """
        cursor = self._connection.execute(
            "INSERT INTO generations (parent, made_at, command, report) VALUES (?, ?, ?, ?)",
            (parent or None, now(), command, EMPTY_REPORT),
        )
        return int(cursor.lastrowid or 0)

    def set_report(self, generation: int, report: dict[str, object]) -> None:
        """Store the report of a command.

        Args:
            generation: that the command made.
            report: values that JSON can hold.
        """
        # A path that is not valid text is stored with escapes, as SQLite stores valid text only.
        data = json.dumps(report, ensure_ascii=False).encode(errors="backslashreplace")
        encrypted = self.cipher.encrypt("generations.report", generation, data)
        self._connection.execute(
            "UPDATE generations SET report = ? WHERE number = ?",
            (encrypted if self.cipher.encrypted else data.decode(), generation),
        )
        self.audit_log.record_digest("report", generation, sha256(encrypted))

    def add_module(self, digest: str, data: bytes, cosines: Array) -> None:
        """Add a module; an existing one stays as it is.

        Args:
            digest: sha256 (hex) of the bytes.
            data: the bytes of `Module.to_bytes`.
            cosines: see `evidence`.
        """
        evidence = self._encrypted_evidence(digest, cosines)
        key = self.cipher.encrypt_name(MODULE_COLUMN, digest)
        encrypted = self.cipher.encrypt("modules.data", digest, data)
        query = "INSERT OR IGNORE INTO modules VALUES (?, ?, ?)"
        if self._connection.execute(query, (key, encrypted, evidence)).rowcount:
            self.audit_log.record_digest("evidence", key, sha256(evidence))

    def add_task(
        self,
        name: str,
        module: str,
        features: dict[str, Array],
        generation: int,
        pictures: Mapping[str, str] | None = None,
    ) -> None:
        """Add a task that is learned now, with classes that are live from a generation on.

        Args:
            name: of the task.
            module: digest of its module.
            features: label to float16 [n, d], in the order of the module's prototypes.
            generation: from which its classes are live.
            pictures: label to the digest of its pictures' files, see `file_task`.
        """
        digests = None if pictures is None else [pictures[label] for label in features]
        self.file_task(name, now(), module, list(features.items()), generation, pictures=digests)

    def file_task(
        self,
        name: str,
        learned_at: str,
        module: str,
        groups: Sequence[tuple[str, Array]],
        generation: int,
        row: int | None = None,
        pictures: Sequence[str] | None = None,
    ) -> None:
        """Add a task that may have been learned in another store; its groups may share a label.

        Args:
            name: of the task.
            learned_at: ISO 8601, UTC.
            module: digest of its module.
            groups: labels and float16 [n, d], in the order of the module's prototypes.
            generation: from which its classes are live.
            row: of the task, by which tasks are ordered; the next one by default.
            pictures: for each group the digest of its pictures, see `pictures_digest`; by default it is
                computed from the features.
        """
        run = self._connection.execute
        task = run(
            "INSERT INTO tasks (id, name, learned_at, module) VALUES (?, ?, ?, ?)",
            (
                row,
                self.cipher.encrypt_name("tasks.name", name),
                learned_at,
                self.cipher.encrypt_name(MODULE_COLUMN, module),
            ),
        ).lastrowid
        for position, (label, rows) in enumerate(groups):
            # The ciphertext depends on the number of the row.
            blob = int(run("INSERT INTO features (data) VALUES (x'')").lastrowid or 0)
            self._store_features(blob, rows)
            digest = pictures_digest(row_digests(rows)) if pictures is None else pictures[position]
            self.audit_log.record_digest("pictures", blob, digest)
            group = run(
                "INSERT INTO classes (task, position, images, features) VALUES (?, ?, ?, ?)",
                (task, position, len(rows), blob),
            ).lastrowid
            self.activate_class(int(group or 0), label, generation)

    def activate_class(self, group: int, label: str, generation: int) -> None:
        """Make a class live under a label, from a generation on."""
        encrypted = self.cipher.encrypt_name(LABEL_COLUMN, label)
        self._connection.execute("INSERT INTO lives VALUES (?, ?, ?, NULL)", (group, encrypted, generation))

    def deactivate_class(self, group: int, generation: int) -> None:
        """Make a class live no longer, from a generation on; it stays in the history."""
        self._connection.execute(
            "UPDATE lives SET died = ? WHERE class = ? AND died IS NULL", (generation, group)
        )

    def move_class(self, group: int, task: int) -> None:
        """Make a class the only one of another task, under its own row; its features stay.

        Args:
            group: row of the class.
            task: row of the task, which has no class yet; see `file_task`.
        """
        self._connection.execute("UPDATE classes SET task = ?, position = 0 WHERE id = ?", (task, group))

    def put_features(self, group: TaskClass, features: Array) -> None:
        """Replace the features of a group.

        Args:
            group: of any state of this store.
            features: float16 [n, d].
        """
        self._store_features(group.features, features)
        query = "UPDATE classes SET images = ? WHERE id = ?"
        self._connection.execute(query, (len(features), group.id))

    def put_evidence(self, digest: str, cosines: Array) -> None:
        """Replace the evidence of a module, after features of its task were replaced.

        Args:
            digest: of the module.
            cosines: see `evidence`.
        """
        evidence = self._encrypted_evidence(digest, cosines)
        key = self.cipher.encrypt_name(MODULE_COLUMN, digest)
        self._connection.execute("UPDATE modules SET evidence = ? WHERE digest = ?", (evidence, key))
        self.audit_log.record_digest("evidence", key, sha256(evidence))

    def erase(self, task: int, groups: Iterable[int], module: str | None) -> None:
        """Erase classes from the file, history included, with the module that was trained on them.

        Args:
            task: row of their task.
            groups: rows of the classes.
            module: digest of the module that replaces the old one; None if no class of the task remains.
        """
        run = self._connection.execute
        groups = list(groups)
        self.tally.erase(set(groups))
        (learned_at,) = run("SELECT learned_at FROM tasks WHERE id = ?", (task,)).fetchone() or ("",)
        for group in groups:
            self.audit_log.note(ERASED, [group, str(learned_at)])
            blob = run("SELECT features FROM classes WHERE id = ?", (group,)).fetchone()[0]
            run("DELETE FROM classes WHERE id = ?", (group,))
            run("DELETE FROM features WHERE id = ?", (blob,))
            self.audit_log.drop_digest("features", blob)
            self.audit_log.drop_digest("pictures", blob)
        if module is None:
            run("DELETE FROM tasks WHERE id = ?", (task,))
        else:
            run(
                "UPDATE tasks SET module = ? WHERE id = ?",
                (self.cipher.encrypt_name(MODULE_COLUMN, module), task),
            )
        run("DELETE FROM modules WHERE digest NOT IN (SELECT module FROM tasks)")
        self.audit_log.drop_digests("evidence", "SELECT digest FROM modules")

    def prune(self, days: int) -> list[UndoneLesson]:
        """Erase the lessons that were undone longer ago than some days, with an audit entry of its own.

        Args:
            days: see `edge_tosca.store.retention.undone_lessons`.

        Returns:
            The lessons.
        """
        lessons = undone_lessons(self, days)
        if lessons:
            self.audit_log.begin()
            self.audit_log.set_command("prune")
            for lesson in lessons:
                for first, end in lesson.generations:
                    self.audit_log.note(PRUNED, [first, end])
                self.erase(lesson.task, lesson.classes, None)
            for generation in {lesson.taught_in for lesson in lessons}:
                self._forget_pictures(generation, self.report(generation))
            self.audit_log.end(self.settings)
        return lessons

    def set_derived(self, table: str, generation: int, arrays: dict[str, Array] | None) -> None:
        """Store the arrays that are derived from the new live generation, in place of the old one's.

        Args:
            table: "statistics" or "routers".
            generation: number of the new live generation.
            arrays: by name; None to store none.
        """
        self._connection.execute(f"DELETE FROM {table}")
        self.audit_log.drop_digests(table)
        if arrays is not None:
            data = self.cipher.encrypt(f"{table}.data", generation, save(arrays))
            self._connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (generation, data))
            self.audit_log.record_digest(table, generation, sha256(data))

    def set_setting(self, key: str, value: str | None) -> None:
        """Set or remove a setting.

        Args:
            key: its name.
            value: its value; None to remove it.
        """
        self._connection.execute("DELETE FROM settings WHERE key = ?", (key,))
        self.settings.pop(key, None)
        if value is not None:
            self._connection.execute("INSERT INTO settings VALUES (?, ?)", (key, value))
            self.settings[key] = value

    def set_cipher(self, setting: str | None, cipher: PlainRows, command: str) -> None:
        """Reencrypt the store under another cipher, or wrap the key of the present one again.

        Args:
            setting: value of ENCRYPTION_SETTING, the wrapped key of the cipher; None for no encryption.
            cipher: the new one, or the present one if only its key is wrapped again.
            command: name of the change, for the audit log.
        """
        self.audit_log.set_command(command)
        if cipher is not self.cipher:
            # The digests of new rows must not be those of damaged ones.
            self.require_digests()
            reencrypt(
                self._connection, self.pictures, AuditLog(self._connection, cipher), self.cipher, cipher
            )
            self.tally.reencrypt(cipher)
            self.cipher = self.audit_log.cipher = self.pictures.cipher = cipher
        self.set_setting(ENCRYPTION_SETTING, setting)

    def _store_features(self, row: int, features: Array) -> None:
        # safetensors writes the buffer as it is in memory, whatever the array's order.
        data = save({"features": np.ascontiguousarray(features)})
        encrypted = self.cipher.encrypt("features.data", row, data)
        self._connection.execute("UPDATE features SET data = ? WHERE id = ?", (encrypted, row))
        self.audit_log.record_digest("features", row, sha256(encrypted))

    def _encrypted_evidence(self, digest: str, cosines: Array) -> bytes:
        data = save({"cosines": cosines.astype(np.float16)})
        return self.cipher.encrypt("modules.evidence", digest, data)

    def forget_pictures(self, labels: Set[str]) -> None:
        """Erase the names of pictures from the reports of lessons that taught a class.

        The name of the class stays in the history: that it was taught and forgotten discloses no picture.

        Args:
            labels: all labels that the class ever had.
        """
        for entry in self.history():
            taught = entry.report.get("classes")
            if isinstance(taught, list) and not labels.isdisjoint(map(str, taught)):
                self._forget_pictures(entry.number, entry.report)

    def _forget_pictures(self, generation: int, report: dict[str, object]) -> None:
        if report:
            gate = report.get("gate")
            kept = {**gate, "suspects": []} if isinstance(gate, dict) else gate
            # A module can be computed from its pictures, so its digest would confirm a guess at them.
            self.set_report(generation, {**report, "skipped": [], "notes": [], "gate": kept, "module": None})

    def scrub(self) -> None:
        """Empty the write-ahead log, so that no file of the store holds what was erased.

        To be called outside a transaction.

        Raises:
            StoreError: another process is reading, and the log still holds what was erased.
        """
        if not self.checkpoint(wait=True):
            raise StoreError(
                f"{self.path}: the class is forgotten, but another process still reads the log with its "
                "last traces; they go when that process closes the store"
            )

    def vacuum(self) -> None:
        """Rewrite the file without its unused pages, and empty the log; outside a transaction.

        Raises:
            StoreError: the disk is full, another process writes, or one reads and so keeps the log.
        """
        self.require_writable()
        self._require_own_file()
        with sqlite_errors(self.path):
            # SQLite takes the lock itself: no other process writes until it is done.
            self._connection.execute("VACUUM")
        if not self.checkpoint(wait=True):
            raise StoreError(
                f"{self.path} is compacted, but another process still reads its log, which goes when that "
                "process closes the store"
            )

    def use_write_ahead_log(self) -> None:
        """Set the journal mode in which readers and one writer share the file."""
        with sqlite_errors(self.path, changing=True):
            self._connection.execute("PRAGMA journal_mode = WAL")

    def checkpoint(self, *, wait: bool = False) -> bool:
        """Write the write-ahead log back into the file and empty it; outside a transaction.

        Args:
            wait: for readers and writers, BUSY_SECONDS at most, and for the checkpoint of another connection;
                otherwise they keep the log as it is.

        Returns:
            Whether the log is empty.

        Raises:
            StoreError: the disk is full, or the file is damaged.
        """
        if self.read_only:
            return True
        with sqlite_errors(self.path):
            if wait:
                return self._checkpoint_in_time()
            self._connection.execute("PRAGMA busy_timeout = 0")
            try:
                return self._checkpointed()
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_SECONDS)}")

    def _checkpoint_in_time(self) -> bool:
        end = time.monotonic() + _CHECKPOINT_SECONDS
        # SQLite waits for readers, but returns at once while another connection checkpoints.
        while not self._checkpointed():
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        return True

    def _checkpointed(self) -> bool:
        (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy
