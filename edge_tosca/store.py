"""One learner's memory: a single SQLite file, whose transactions are the crash safety."""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from edge_tosca.circumstances import now
from edge_tosca.errors import StoreError
from edge_tosca.luca import Array
from edge_tosca.seals import pictures_digest, row_digests, sha256
from edge_tosca.state import Group
from edge_tosca.store_file import create_file, open_file, told
from edge_tosca.store_reader import StoreReader
from edge_tosca.upgrade import bring_up_to_date


class Store(StoreReader):
    """Writes the rows as well as it reads them.

    Writing methods are called inside `transaction`, and take effect together when it ends.
    """

    @classmethod
    def create(cls, path: Path, settings: dict[str, str]) -> "Store":
        """Make a new store.

        Args:
            path: where; nothing, or an empty file, may be there.
            settings: fixed for the store's life.

        Returns:
            The open store.

        Raises:
            StoreError: something is there already, or the folder cannot be written.
        """
        return cls(path, create_file(path, settings))

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Open a store that exists.

        Args:
            path: of the SQLite file.

        Returns:
            The open store.

        Raises:
            StoreError: there is none, it is something else, damaged, or of a newer format.
        """
        return cls(path, open_file(path))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything written inside take effect at once, or not at all.

        Raises:
            StoreError: the disk is full, another writer held the store too long, or the file is damaged.
        """
        with told(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._require_own_origin()
                bring_up_to_date(self._connection, self.settings)
                self.seals.begin()
                yield
                self.seals.end(self.settings)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    def add_generation(self, command: str, parent: int) -> int:
        """Begin a new generation.

        Args:
            command: what makes it.
            parent: the generation it starts from; 0 for none.

        Returns:
            Its number.
        """
        cursor = self._connection.execute(
            "INSERT INTO generations (parent, made_at, command, report) VALUES (?, ?, ?, '{}')",
            (parent or None, now(), command),
        )
        return int(cursor.lastrowid or 0)

    def set_report(self, generation: int, report: dict[str, object]) -> None:
        """Keep what a command reported.

        Args:
            generation: the one that it made.
            report: anything JSON can hold.
        """
        text = json.dumps(report, ensure_ascii=False)
        self._connection.execute("UPDATE generations SET report = ? WHERE number = ?", (text, generation))
        self.seals.keep("report", generation, sha256(text.encode(errors="surrogatepass")))

    def add_module(self, digest: str, data: bytes, cosines: Array) -> None:
        """File a module; one that is there already stays as it is.

        Args:
            digest: sha256 of data.
            data: the module's bytes.
            cosines: see `evidence`.
        """
        evidence = save({"cosines": cosines.astype(np.float16)})
        query = "INSERT OR IGNORE INTO modules VALUES (?, ?, ?)"
        if self._connection.execute(query, (digest, data, evidence)).rowcount:
            self.seals.keep("evidence", digest, sha256(evidence))

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
        told = None if pictures is None else [pictures[label] for label in features]
        self.file_task(name, now(), module, list(features.items()), generation, pictures=told)

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
            (row, name, learned_at, module),
        ).lastrowid
        for position, (label, rows) in enumerate(groups):
            # safetensors writes the memory as it lies, whatever the array's order.
            data = save({"features": np.ascontiguousarray(rows)})
            blob = run("INSERT INTO features (data) VALUES (?)", (data,)).lastrowid
            shown = pictures_digest(row_digests(rows)) if pictures is None else pictures[position]
            self.seals.keep("features", blob, sha256(data))
            self.seals.keep("pictures", blob, shown)
            group = run(
                "INSERT INTO classes (task, position, images, features) VALUES (?, ?, ?, ?)",
                (task, position, len(rows), blob),
            ).lastrowid
            self.bear(int(group or 0), label, generation)

    def bear(self, group: int, label: str, generation: int) -> None:
        """Let a class live from a generation on."""
        self._connection.execute("INSERT INTO lives VALUES (?, ?, ?, NULL)", (group, label, generation))

    def end(self, group: int, generation: int) -> None:
        """Let a class live no longer from a generation on; it stays in the history."""
        self._connection.execute(
            "UPDATE lives SET died = ? WHERE class = ? AND died IS NULL", (generation, group)
        )

    def put_features(self, group: Group, features: Array) -> None:
        """Put other features in the place of a group's.

        Args:
            group: of any state of this store.
            features: float16 [n, d].
        """
        run = self._connection.execute
        data = save({"features": features})
        run("UPDATE features SET data = ? WHERE id = ?", (data, group.features))
        self.seals.keep("features", group.features, sha256(data))
        run("UPDATE classes SET images = ? WHERE id = ?", (len(features), group.id))

    def put_evidence(self, digest: str, cosines: Array) -> None:
        """Put other evidence in the place of a module's, when its task's features are others.

        Args:
            digest: the module's name.
            cosines: see `evidence`.
        """
        evidence = save({"cosines": cosines.astype(np.float16)})
        self._connection.execute("UPDATE modules SET evidence = ? WHERE digest = ?", (evidence, digest))
        self.seals.keep("evidence", digest, sha256(evidence))

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
            self.seals.drop("features", blob)
            self.seals.drop("pictures", blob)
        if module is None:
            run("DELETE FROM tasks WHERE id = ?", (task,))
        else:
            run("UPDATE tasks SET module = ? WHERE id = ?", (module, task))
        run("DELETE FROM modules WHERE digest NOT IN (SELECT module FROM tasks)")
        self.seals.drop_all("evidence", "SELECT digest FROM modules")

    def set_derived(self, table: str, generation: int, arrays: dict[str, Array] | None) -> None:
        """Keep what was derived from the new live generation, in place of the old one's.

        Args:
            table: "statistics" or "routers".
            generation: the new live one.
            arrays: by name; None to keep nothing.
        """
        self._connection.execute(f"DELETE FROM {table}")
        self.seals.drop_all(table)
        if arrays is not None:
            data = save(arrays)
            self._connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (generation, data))
            self.seals.keep(table, generation, sha256(data))

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
        with told(self.path):
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreError(
                f"{self.path}: the class is forgotten, but another process still reads the log with its "
                "last traces; they go when that process closes the store"
            )

    def vacuum(self) -> None:
        """Write the file anew without its unused pages; outside a transaction.

        Raises:
            StoreError: the disk is full, another process writes, or one reads and so keeps the log.
        """
        with told(self.path):
            # As long as it lasts nobody else writes; SQLite takes the lock itself.
            self._connection.execute("VACUUM")
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreError(
                f"{self.path} is compacted, but another process still reads its log, which goes when that "
                "process closes the store"
            )
