"""One learner's memory: a single SQLite file, whose transactions are the crash safety."""

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
from edge_tosca.store.audit.hash_chain import AuditLog
from edge_tosca.store.audit.provenance import now
from edge_tosca.store.crypto.keys import find_key, new_cipher
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.database_file import create_file, open_file
from edge_tosca.store.format_upgrade import bring_up_to_date
from edge_tosca.store.reader import StoreReader
from edge_tosca.store.reencryption import rewrite
from edge_tosca.store.schema import EMPTY_REPORT, ENCRYPTION_SETTING, LABEL_COLUMN, MODULE_COLUMN, mark
from edge_tosca.store.sqlite_errors import sqlite_errors
from edge_tosca.store.state import TaskClass
from edge_tosca.store.validation import damage_errors

_CHECKPOINT_SECONDS = 2.0
"""How long somebody else's emptying of the log is waited for."""


class Change:
    """A transaction under way."""

    def __init__(self) -> None:
        self.discarded = False

    def discard(self) -> None:
        """Take back everything that the transaction wrote, when it ends."""
        self.discarded = True


class Store(StoreReader):
    """Writes the rows as well as it reads them.

    Writing methods are called inside `transaction`, and take effect together when it ends.
    """

    @classmethod
    def create(cls, path: Path, settings: dict[str, str], key_file: Path | None = None) -> Self:
        """Make a new store, encrypted where there is a key.

        Args:
            path: where; nothing, or an empty file, may be there.
            settings: fixed for the store's life.
            key_file: to encrypt it with; see `find_key` for where else a key may be.

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
        return cls(path, create_file(path, settings, cipher), key)

    @classmethod
    def open(cls, path: Path, key_file: Path | None = None) -> Self:
        """Open a store that exists.

        Args:
            path: of the SQLite file.
            key_file: that it was encrypted with; see `find_key` for where else a key may be.

        Returns:
            The open store.

        Raises:
            StoreError: there is none, it is something else, damaged, of a newer format, or its key is not
                there.
        """
        return cls(path, open_file(path), find_key(key_file))

    @contextlib.contextmanager
    def transaction(self) -> Iterator["Change"]:
        """Make everything written inside take effect at once, or not at all.

        Yields:
            The change; after `discard` nothing of it takes effect.

        Raises:
            StoreError: the disk is full, another writer held the store too long, or the file is damaged.
        """
        with sqlite_errors(self.path, changing=True):
            self._connection.execute("BEGIN IMMEDIATE")
            settings, cipher = dict(self.settings), self.cipher
            change = Change()
            try:
                self._require_own_file()
                self._require_own_origin()
                # Another process may have set a limit of size, or trusted a key.
                self._take_settings(self._read_settings())
                with damage_errors(self.path):
                    bring_up_to_date(self._connection, self.settings)
                    self.audit_log.begin()
                yield change
                if change.discarded:
                    self._undo(settings, cipher)
                    return
                with damage_errors(self.path):
                    self.audit_log.end(self.settings)
                self._connection.execute("COMMIT")
            except BaseException:
                self._undo(settings, cipher)
                raise

    def _undo(self, settings: dict[str, str], cipher: PlainRows) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        self._take_settings(settings)
        if self.cipher is not cipher:
            self._read_with(cipher)

    def add_generation(self, command: str, parent: int) -> int:
        """Begin a new generation.

        Args:
            command: what makes it.
            parent: the generation it starts from; 0 for none.

        Returns:
            Its number.
        """
        cursor = self._connection.execute(
            "INSERT INTO generations (parent, made_at, command, report) VALUES (?, ?, ?, ?)",
            (parent or None, now(), command, EMPTY_REPORT),
        )
        return int(cursor.lastrowid or 0)

    def set_report(self, generation: int, report: dict[str, object]) -> None:
        """Keep what a command reported.

        Args:
            generation: the one that it made.
            report: anything JSON can hold.
        """
        # A path of bytes that are no text is told as an escape, as SQLite keeps text only.
        data = json.dumps(report, ensure_ascii=False).encode(errors="backslashreplace")
        filed = self.cipher.encrypt("generations.report", generation, data)
        self._connection.execute(
            "UPDATE generations SET report = ? WHERE number = ?",
            (filed if self.cipher.encrypted else data.decode(), generation),
        )
        self.audit_log.record_digest("report", generation, sha256(filed))

    def add_module(self, digest: str, data: bytes, cosines: Array) -> None:
        """File a module; one that is there already stays as it is.

        Args:
            digest: sha256 of data.
            data: the module's bytes.
            cosines: see `evidence`.
        """
        evidence = self._encrypted_evidence(digest, cosines)
        filed, query = (
            self.cipher.encrypt_name(MODULE_COLUMN, digest),
            "INSERT OR IGNORE INTO modules VALUES (?, ?, ?)",
        )
        sealed = self.cipher.encrypt("modules.data", digest, data)
        if self._connection.execute(query, (filed, sealed, evidence)).rowcount:
            self.audit_log.record_digest("evidence", filed, sha256(evidence))

    def add_task(
        self,
        name: str,
        module: str,
        features: dict[str, Array],
        generation: int,
        pictures: Mapping[str, str] | None = None,
    ) -> None:
        """File a task and let its classes live from a generation on.

        Args:
            name: of the task.
            module: digest of its module.
            features: label to float16 [n, d], in the order of the module's prototypes.
            generation: in which its classes are born.
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
        """File a task that may have been learned elsewhere; several of its groups may bear one label.

        Args:
            name: of the task.
            learned_at: ISO 8601, UTC.
            module: digest of its module.
            groups: labels and float16 [n, d], in the order of the module's prototypes.
            generation: in which its classes are born.
            row: of the task, on which its place among the tasks depends; the next one by default.
            pictures: of each group, the digest of its pictures (`seals.pictures_digest`); that of its
                features by default.
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
            # What lies in a row depends on its number.
            blob = int(run("INSERT INTO features (data) VALUES (x'')").lastrowid or 0)
            self._file_features(blob, rows)
            shown = pictures_digest(row_digests(rows)) if pictures is None else pictures[position]
            self.audit_log.record_digest("pictures", blob, shown)
            group = run(
                "INSERT INTO classes (task, position, images, features) VALUES (?, ?, ?, ?)",
                (task, position, len(rows), blob),
            ).lastrowid
            self.activate_class(int(group or 0), label, generation)

    def activate_class(self, group: int, label: str, generation: int) -> None:
        """Let a class live from a generation on."""
        named = self.cipher.encrypt_name(LABEL_COLUMN, label)
        self._connection.execute("INSERT INTO lives VALUES (?, ?, ?, NULL)", (group, named, generation))

    def deactivate_class(self, group: int, generation: int) -> None:
        """Let a class live no longer from a generation on; it stays in the history."""
        self._connection.execute(
            "UPDATE lives SET died = ? WHERE class = ? AND died IS NULL", (generation, group)
        )

    def put_features(self, group: TaskClass, features: Array) -> None:
        """Put other features in the place of a group's.

        Args:
            group: of any state of this store.
            features: float16 [n, d].
        """
        self._file_features(group.features, features)
        query = "UPDATE classes SET images = ? WHERE id = ?"
        self._connection.execute(query, (len(features), group.id))

    def put_evidence(self, digest: str, cosines: Array) -> None:
        """Put other evidence in the place of a module's, when its task's features are others.

        Args:
            digest: the module's name.
            cosines: see `evidence`.
        """
        evidence, filed = (
            self._encrypted_evidence(digest, cosines),
            self.cipher.encrypt_name(MODULE_COLUMN, digest),
        )
        self._connection.execute("UPDATE modules SET evidence = ? WHERE digest = ?", (evidence, filed))
        self.audit_log.record_digest("evidence", filed, sha256(evidence))

    def erase(self, task: int, groups: Iterable[int], module: str | None) -> None:
        """Remove classes from the file for good, history included, with the module that knew them.

        Args:
            task: row of their task.
            groups: rows of the classes.
            module: digest of the module that takes the old one's place; None if no class remains.
        """
        run = self._connection.execute
        for group in groups:
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

    def set_derived(self, table: str, generation: int, arrays: dict[str, Array] | None) -> None:
        """Keep what was derived from the new live generation, in place of the old one's.

        Args:
            table: "statistics" or "routers".
            generation: the new live one.
            arrays: by name; None to keep nothing.
        """
        self._connection.execute(f"DELETE FROM {table}")
        self.audit_log.drop_digests(table)
        if arrays is not None:
            data = self.cipher.encrypt(f"{table}.data", generation, save(arrays))
            self._connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (generation, data))
            self.audit_log.record_digest(table, generation, sha256(data))

    def set_setting(self, key: str, value: str | None) -> None:
        """Keep a setting.

        Args:
            key: its name.
            value: its value; None to take it out.
        """
        self._connection.execute("DELETE FROM settings WHERE key = ?", (key,))
        self.settings.pop(key, None)
        if value is not None:
            self._connection.execute("INSERT INTO settings VALUES (?, ?)", (key, value))
            self.settings[key] = value

    def set_cipher(self, setting: str | None, cipher: PlainRows, command: str) -> None:
        """Keep everything under another cipher.

        Args:
            setting: how the cipher's key is wrapped; None for no encryption.
            cipher: the new one, or the old one where only its key is wrapped anew.
            command: that asked for it.
        """
        self.audit_log.set_command(command)
        if cipher is not self.cipher:
            rewrite(self._connection, self.pictures, AuditLog(self._connection, cipher), self.cipher, cipher)
            self.cipher = self.audit_log.cipher = self.pictures.cipher = cipher
        self.set_setting(ENCRYPTION_SETTING, setting)
        mark(self._connection, cipher.encrypted)

    def _file_features(self, row: int, features: Array) -> None:
        # safetensors writes the memory as it lies, whatever the array's order.
        data = save({"features": np.ascontiguousarray(features)})
        sealed = self.cipher.encrypt("features.data", row, data)
        self._connection.execute("UPDATE features SET data = ? WHERE id = ?", (sealed, row))
        self.audit_log.record_digest("features", row, sha256(sealed))

    def _encrypted_evidence(self, digest: str, cosines: Array) -> bytes:
        data = save({"cosines": cosines.astype(np.float16)})
        return self.cipher.encrypt("modules.evidence", digest, data)

    def forget_pictures(self, labels: Set[str]) -> None:
        """Take the names of pictures out of the reports of lessons that taught a class.

        The class's name stays in the history: that it was taught and forgotten is no secret of a picture.

        Args:
            labels: that the class ever bore.
        """
        for entry in self.history():
            taught = entry.report.get("classes")
            if isinstance(taught, list) and not labels.isdisjoint(map(str, taught)):
                gate = entry.report.get("gate")
                kept = {**gate, "suspects": []} if isinstance(gate, dict) else gate
                # A module can be made again from its pictures: its digest tells which ones they were.
                erased = {"skipped": [], "gate": kept, "module": None}
                self.set_report(entry.number, {**entry.report, **erased})

    def scrub(self) -> None:
        """Empty the write-ahead log, so that what was erased is in no file of the store.

        Called outside a transaction.

        Raises:
            StoreError: another process is reading, and the log still holds what was erased.
        """
        with sqlite_errors(self.path):
            emptied = self._empty_log()
        if not emptied:
            raise StoreError(
                f"{self.path}: the class is forgotten, but another process still reads the log with its "
                "last traces; they go when that process closes the store"
            )

    def vacuum(self) -> None:
        """Write the file anew without its unused pages; outside a transaction.

        Raises:
            StoreError: the disk is full, another process writes, or one reads and so keeps the log.
        """
        self._require_own_file()
        with sqlite_errors(self.path):
            # As long as it lasts nobody else writes; SQLite takes the lock itself.
            self._connection.execute("VACUUM")
            emptied = self._empty_log()
        if not emptied:
            raise StoreError(
                f"{self.path} is compacted, but another process still reads its log, which goes when that "
                "process closes the store"
            )

    def _empty_log(self) -> bool:
        end = time.monotonic() + _CHECKPOINT_SECONDS
        # SQLite waits for readers, but comes back at once while another connection does the same.
        while self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        return True
