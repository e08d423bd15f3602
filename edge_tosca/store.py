"""One learner's memory: a single SQLite file, whose transactions are the crash safety."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from edge_tosca.circumstances import now
from edge_tosca.errors import StoreError
from edge_tosca.first_look import kind_of_file
from edge_tosca.luca import Array
from edge_tosca.module import digest_of
from edge_tosca.remembered import RememberedPictures
from edge_tosca.schema import APPLICATION_ID, BUSY_SECONDS, FORMAT, add_tables, connect
from edge_tosca.seals import Seals, pictures_digest, row_digests, sha256
from edge_tosca.soundness import checked_features, checked_group, checked_settings, whole
from edge_tosca.state import Generation, Group, State, Task, Taught
from edge_tosca.tensors import read_arrays
from edge_tosca.upgrade import bring_up_to_date


class Store:
    """Reads and writes the rows; knows nothing of learning.

    Writing methods are called inside `transaction`, and take effect together when it ends.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self.pictures = RememberedPictures(connection)
        self.seals = Seals(connection)
        self.settings: dict[str, str] = checked_settings(
            dict(connection.execute("SELECT key, value FROM settings")), path
        )

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
        kind = kind_of_file(path)
        if path.is_dir() or kind == "stranger" or (kind == "database" and not _without_tables(path)):
            raise StoreError(f"{path} exists already; open it, or choose another name")
        found = path.exists()
        try:
            with _told(path):
                if kind == "zeros":
                    os.truncate(path, 0)
                connection = connect(path)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("BEGIN IMMEDIATE")
                add_tables(connection)
                seals = Seals(connection)
                seals.begin()
                connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
                seals.end(settings, "init")
                connection.execute("COMMIT")
        except StoreError:
            if not found:
                # A disk that failed once may fail here too; init takes what is left for unfinished.
                with contextlib.suppress(OSError):
                    for suffix in ("", "-wal", "-shm"):
                        Path(f"{path}{suffix}").unlink(missing_ok=True)
            raise
        return cls(path, connection)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a store that exists.

        Args:
            path: of the SQLite file.

        Returns:
            The open store.

        Raises:
            StoreError: there is none, it is something else, damaged, or of a newer format.
        """
        kind = kind_of_file(path)
        if kind == "nothing":
            raise StoreError(f"{path}: there is no store here; make one with: edge-tosca init {path}")
        if kind == "zeros":
            raise _interrupted(path)
        if kind == "stranger":
            raise StoreError(f"{path} is not a store of edge-tosca; name one that `init` made")
        with _told(path):
            connection = connect(path)
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            connection.close()
            if _without_tables(path):
                raise _interrupted(path)
            raise StoreError(f"{path} is a database of another program; name a store that `init` made")
        # An older one is read as it is; the first command that writes brings it up to date.
        if not 1 <= version <= FORMAT:
            raise StoreError(f"{path} has format {version}, this program reads {FORMAT}; update edge-tosca")
        with _told(path):
            return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything written inside take effect at once, or not at all.

        Raises:
            StoreError: the disk is full, another writer held the store too long, or the file is damaged.
        """
        with _told(self.path):
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

    # Reading

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read inside from one moment of the store, whatever other processes write meanwhile.

        A writer does not wait for it, nor it for a writer. Inside a transaction it changes nothing.
        """
        if self._connection.in_transaction:
            yield
            return
        with _told(self.path):
            self._connection.execute("BEGIN")
            try:
                self._require_own_origin()
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def latest(self) -> int:
        """Number of the live generation; 0 before anything was learned."""
        with _told(self.path), whole(self.path):
            return int(self._connection.execute("SELECT max(number) FROM generations").fetchone()[0] or 0)

    def state(self, generation: int | None = None) -> State:
        """Give the tasks and classes of a generation.

        Args:
            generation: its number; the live one by default.

        Returns:
            The state. Classes that were forgotten since are not in it.

        Raises:
            StoreError: there is no such generation.
        """
        number = self.latest() if generation is None else generation
        if not 0 <= number <= self.latest():
            raise StoreError(f"{self.path} has no generation {number}; see: edge-tosca history {self.path}")
        groups: dict[int, list[Group]] = {}
        with _told(self.path), whole(self.path):
            for task, *group in self._connection.execute(
                "SELECT c.task, c.id, l.label, c.images, c.features"
                " FROM lives l JOIN classes c ON c.id = l.class"
                " WHERE l.born <= ?1 AND (l.died IS NULL OR l.died > ?1) ORDER BY c.task, c.position",
                (number,),
            ):
                groups.setdefault(task, []).append(checked_group(Group(*group)))
            rows = self._connection.execute("SELECT id, name, learned_at, module FROM tasks ORDER BY id")
            tasks = [
                Task(task, str(name), str(learned_at), str(module), tuple(groups[task]))
                for task, name, learned_at, module in rows
                if task in groups
            ]
        return State(number, tuple(tasks))

    def features(self, group: Group) -> Array:
        """Read the cached features of a group.

        Args:
            group: of any state of this store.

        Returns:
            float16 [n, d].
        """
        arrays = self._arrays(self._blob("SELECT data FROM features WHERE id = ?", group.features))
        return checked_features(arrays, group, int(self.settings["feature_dim"]), self.path)

    def module(self, digest: str) -> bytes:
        """Read a module's bytes.

        Args:
            digest: its name.

        Returns:
            What `Module.to_bytes` gave.
        """
        data = self._blob("SELECT data FROM modules WHERE digest = ?", digest)
        if digest_of(data) != digest:
            raise StoreError(f"{self.path} is damaged: module {digest[:12]} has other bytes; restore a copy")
        return data

    def evidence(self, digest: str) -> Array:
        """Read the cosines that a module's task gave when held out of training.

        Args:
            digest: the module's name.

        Returns:
            float32 [n, k], rows in the order of the task's groups and their pictures; NaN where a picture
            could not be held out.
        """
        data = self._blob("SELECT evidence FROM modules WHERE digest = ?", digest)
        with whole(self.path):
            cosines: Array = self._arrays(data)["cosines"].astype(np.float32)
        return cosines

    def derived(self, table: str, generation: int | None = None) -> dict[str, Array] | None:
        """Read what was derived from a generation.

        Args:
            table: "statistics" or "routers".
            generation: its number; the live one by default.

        Returns:
            Arrays by name; None where they belong to another generation or are not kept.
        """
        number = self.latest() if generation is None else generation
        with _told(self.path), whole(self.path):
            query = f"SELECT 1 FROM {table} WHERE generation = ?"
            if self._connection.execute(query, (number,)).fetchone() is None:
                return None
            with self._connection.blobopen(table, "data", number, readonly=True) as blob:
                return read_arrays(blob)

    def query(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask SQLite itself, to examine the file.

        Args:
            question: in SQL; it must change nothing.
            values: of its parameters.

        Returns:
            All rows.
        """
        with _told(self.path):
            return self._connection.execute(question, values).fetchall()

    def history(self) -> list[Generation]:
        """List all generations, the oldest first."""
        with _told(self.path):
            rows = self._connection.execute(
                "SELECT number, coalesce(parent, 0), made_at, command, report FROM generations"
                " ORDER BY number"
            ).fetchall()
            seals = {seal.generation: seal for seal in self.seals.all()}
            taught: dict[int, list[Taught]] = {}
            for generation, label, images, digest in self.seals.taught():
                taught.setdefault(generation, []).append(Taught(label, images, digest))
        with whole(self.path):
            return [
                Generation(
                    number,
                    parent,
                    made_at,
                    command,
                    json.loads(report),
                    dict(seals[number].content["by"]) if number in seals else {},
                    tuple(taught.get(number, ())),
                    seals[number].digest if number in seals else "",
                )
                for number, parent, made_at, command, report in rows
            ]

    # Writing, inside a transaction

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

    def groups_ever(self, label: str) -> dict[int, list[int]]:
        """Find a class in all generations.

        Args:
            label: its name.

        Returns:
            Task row to the rows of its classes that ever bore the label.
        """
        found: dict[int, list[int]] = {}
        for task, group in self._connection.execute(
            "SELECT DISTINCT c.task, c.id FROM lives l JOIN classes c ON c.id = l.class WHERE l.label = ?"
            " ORDER BY c.id",
            (label,),
        ):
            found.setdefault(task, []).append(group)
        return found

    def labels_ever(self, groups: Iterable[int]) -> set[str]:
        """Give all labels that classes bore in any generation.

        Args:
            groups: rows of the classes.
        """
        query = "SELECT DISTINCT label FROM lives WHERE class = ?"
        return {label for group in groups for (label,) in self._connection.execute(query, (group,))}

    def groups_of_task(self, task: int) -> list[Group]:
        """List all classes filed under a task, live or not, in the order of its module's prototypes."""
        rows = self._connection.execute(
            "SELECT id, '', images, features FROM classes WHERE task = ? ORDER BY position", (task,)
        )
        return [Group(*row) for row in rows]

    def tasks_ever(self) -> list[Task]:
        """List all tasks in the file, live or not, with all their classes under their latest labels."""
        with _told(self.path):
            rows = self._connection.execute("SELECT id, name, learned_at, module FROM tasks ORDER BY id")
            return [
                Task(task, str(name), str(learned_at), str(module), self._labelled(task))
                for task, name, learned_at, module in rows.fetchall()
            ]

    def _labelled(self, task: int) -> tuple[Group, ...]:
        rows = self._connection.execute(
            "SELECT c.id, (SELECT label FROM lives WHERE class = c.id ORDER BY rowid DESC LIMIT 1),"
            " c.images, c.features FROM classes c WHERE c.task = ? ORDER BY c.position",
            (task,),
        )
        return tuple(Group(*row) for row in rows)

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

    def used(self) -> int:
        """Bytes of the file that something uses; inside a transaction, with what it has written so far."""
        pages, free, size = (
            int(self.query(f"PRAGMA {name}")[0][0]) for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

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
        with _told(self.path):
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
        with _told(self.path):
            # As long as it lasts nobody else writes; SQLite takes the lock itself.
            self._connection.execute("VACUUM")
            busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreError(
                f"{self.path} is compacted, but another process still reads its log, which goes when that "
                "process closes the store"
            )

    def _require_own_origin(self) -> None:
        """Notice that another process has migrated the store, whose features are others from then on."""
        row = self._connection.execute("SELECT value FROM settings WHERE key = 'fingerprint'").fetchone()
        if (None if row is None else row[0]) != self.settings.get("fingerprint"):
            raise StoreError(f"{self.path} was migrated to another backbone or device; open it again")

    def _blob(self, query: str, key: object) -> bytes:
        with _told(self.path):
            row = self._connection.execute(query, (key,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path} is damaged: a row that it names is missing; restore a copy")
        return bytes(row[0])

    def _arrays(self, data: bytes) -> dict[str, Array]:
        try:
            return load(data)
        except SafetensorError as error:
            raise StoreError(f"{self.path} is damaged ({error}); restore a copy, or init anew") from None


def _interrupted(path: Path) -> StoreError:
    return StoreError(f"{path}: making this store was interrupted; run again: edge-tosca init {path}")


def _without_tables(path: Path) -> bool:
    """Tell whether a database is what an interrupted `create` left."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        return False


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = _in_one_line(error)
        if "locked" in reason:
            raise StoreError(
                f"{path}: another process has been writing for {BUSY_SECONDS:.0f} seconds; try again"
            ) from None
        if "full" in reason:
            raise StoreError(
                f"{path}: the disk is full; nothing was changed; make room and try again"
            ) from None
        if "unable to open" in reason or "readonly" in reason:
            folder = path.parent if os.fspath(path.parent) else Path()
            raise StoreError(f"{path} cannot be written ({reason}); check that {folder} allows it") from None
        raise StoreError(f"{path}: {reason}; nothing was changed") from None
    except sqlite3.DatabaseError as error:
        reason = _in_one_line(error)
        raise StoreError(f"{path} is not a readable store ({reason}); restore a copy, or init anew") from None
    # What Python makes of a message of SQLite that quotes bytes of a damaged schema.
    except UnicodeDecodeError:
        raise StoreError(f"{path} is not a readable store; restore a copy, or init anew") from None


def _in_one_line(error: sqlite3.Error) -> str:
    """SQLite quotes what it does not understand, line ends and control characters included."""
    words = "".join(c if c.isprintable() else " " for c in str(error)).split()
    return " ".join(words)[:200]
