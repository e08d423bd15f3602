"""The audit log: a hash chain with one entry for each change, so that a change by another program is found.

An entry is a JSON object with its sha256, in the table `seals`. It holds the digest of the entry before it,
digests of the store's tables when the change began and when it ended, and the provenance of the change. Large
contents enter the digest of a table through the table `digests`, which holds the sha256 of each, so that the
cost of an entry does not depend on their size. Each row of `digests` has a salt: after it is erased, nothing
in the chain can confirm a guess at the erased contents.
"""

import contextlib
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge_tosca.digests import canonical_json, sha256
from edge_tosca.store.audit.provenance import provenance
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.schema import LABEL_COLUMN

KINDS = ("features", "pictures", "evidence", "report", "routers", "statistics")
"""Kinds of rows in `digests`. The key is a row of features for the first two, a module's digest for the
third, and a generation's number for the others."""


CODE = "code"
"""Key of an entry in an encrypted store: the HMAC of the rest of the entry under the store's key."""

_PICTURES = "digests.pictures"
_SALT_BYTES = 16
_ROWS_AT_ONCE = 1000

_TABLES = {
    "settings": "SELECT key, value FROM settings ORDER BY key",
    "generations": "SELECT number, parent, made_at, command FROM generations ORDER BY number",
    "modules": (
        "SELECT m.digest, d.salt FROM modules m"
        " LEFT JOIN digests d ON d.kind = 'evidence' AND d.key = m.digest ORDER BY 1"
    ),
    "tasks": (
        "SELECT t.id, t.name, t.learned_at, t.module, d.salt FROM tasks t"
        " LEFT JOIN digests d ON d.kind = 'evidence' AND d.key = t.module ORDER BY 1"
    ),
    "classes": "SELECT id, task, position, images, features FROM classes ORDER BY id",
    "lives": "SELECT class, label, born, died FROM lives ORDER BY rowid",
    "digests": "SELECT kind, key, salt, digest FROM digests ORDER BY kind, key",
    "pictures": (
        "SELECT p.features, p.position, p.path, p.sha256, d.salt FROM pictures p"
        " LEFT JOIN digests d ON d.kind = 'features' AND d.key = p.features ORDER BY 1, 2"
    ),
}


@dataclass(frozen=True)
class AuditEntry:
    """One entry of the audit log.

    Attributes:
        number: counts up from 1.
        generation: the one that the change made; None where it made none, as `pack trust` does.
        text: the entry as canonical JSON.
        digest: sha256 (hex) of the text.
    """

    number: int
    generation: int | None
    text: str
    digest: str

    @property
    def content(self) -> dict[str, Any]:
        """The values of the entry by key.

        Raises:
            ValueError: it is no JSON object.
        """
        values = json.loads(self.text)
        if not isinstance(values, dict):
            raise ValueError("an audit entry is no JSON object")
        return values

    @property
    def intact(self) -> bool:
        """Whether the digest is that of the text."""
        return sha256(self.text.encode()) == self.digest

    @property
    def command(self) -> str:
        """The command that made the entry; "" if it does not say."""
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return str(self.content["command"])
        return ""

    @property
    def program_version(self) -> str | None:
        """The version of edge-tosca that made the entry; None if it does not say."""
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return str(self.content["by"]["versions"]["edge-tosca"])
        return None


class AuditLog:
    """Writes and reads the audit log of a store; inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, cipher: PlainRows = PLAIN_ROWS) -> None:
        self._connection = connection
        self.cipher = cipher
        self._found = ""
        self._command = ""
        self._changes = 0
        self._generation = 0
        self._provenance: dict[str, str] = {}
        self._notes: dict[str, list[list[Any]]] = {}
        self._user: dict[str, str] = {}

    def exists(self) -> bool:
        """Return whether the store has an audit log; one of format 1 has none yet."""
        return has_table(self._connection, "seals")

    def begin(self) -> None:
        """Record the digests of the tables before a change."""
        self._found = contents_digest(contents(self._connection))
        self._changes = self._connection.total_changes
        self._generation = self._last_generation()
        self._provenance = dict(self._user)
        self._notes = {}
        self._command = ""

    def set_command(self, command: str) -> None:
        """Set the command of this change, for a change that makes no generation."""
        self._command = command

    def set_provenance(self, settings: Mapping[str, str]) -> None:
        """Set the provenance of this change where it differs from the store's settings.

        Args:
            settings: those that differ, by name.
        """
        self._provenance.update(settings)

    def note(self, key: str, values: list[Any]) -> None:
        """Add values to a list in the entry of this change, see `edge_tosca.store.audit.erasures`.

        Args:
            key: of the list; an entry without such values has no such key.
            values: that JSON can hold.
        """
        self._notes.setdefault(key, []).append(values)

    @contextlib.contextmanager
    def changes_by(self, user: Mapping[str, str]) -> Iterator[None]:
        """Record a user with every change within the context.

        Args:
            user: "name" and "role".
        """
        before, self._user = self._user, dict(user)
        try:
            yield
        finally:
            self._user = before

    def end(self, settings: dict[str, str], command: str = "") -> None:
        """Append the entry of a change, if a row was changed.

        Args:
            settings: of the store.
            command: name of the change; the entry is then appended even if no row was changed. By default the
                command of the new generation; if there is none, that of `set_command`, or "settings".
        """
        if not command and self._connection.total_changes == self._changes:
            return
        generation: int | None = self._last_generation()
        if generation == self._generation:
            generation = None
        elif not command:
            query = "SELECT command FROM generations WHERE number = ?"
            (command,) = self._connection.execute(query, (generation,)).fetchone()
        number, before = self._connection.execute(
            "SELECT number, digest FROM seals ORDER BY number DESC LIMIT 1"
        ).fetchone() or (0, "")
        entry = {
            "number": number + 1,
            "before": before,
            "found": self._found,
            "left": contents(self._connection),
            "generation": generation,
            "command": command or self._command or "settings",
            "by": provenance(settings | self._provenance),
            **self._notes,
        }
        code = self.cipher.mac(canonical_json(entry).encode())
        text = canonical_json(entry if code is None else {**entry, CODE: code})
        self._connection.execute(
            "INSERT INTO seals VALUES (?, ?, ?, ?)", (number + 1, generation, text, sha256(text.encode()))
        )
        # What was changed so far has its entry.
        self._changes = self._connection.total_changes

    def record_digest(self, kind: str, key: object, digest: str) -> None:
        """Record the digest of a large content, in place of the one before.

        Args:
            kind: one of KINDS.
            key: of its row.
            digest: sha256 (hex) of the stored bytes, or for "pictures" of the pictures.
        """
        # All others are digests of encrypted bytes; this one would confirm a guess at the pictures.
        stored = self.cipher.encrypt_name(_PICTURES, digest, key) if kind == "pictures" else digest
        self._connection.execute(
            "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)",
            (kind, key, secrets.token_bytes(_SALT_BYTES), stored),
        )

    def drop_digest(self, kind: str, key: object) -> None:
        """Delete the digest of an erased content."""
        self._connection.execute("DELETE FROM digests WHERE kind = ? AND key = ?", (kind, key))

    def drop_digests(self, kind: str, but: str = "SELECT NULL WHERE 0") -> None:
        """Delete the digests of a kind.

        Args:
            kind: one of KINDS.
            but: query for the keys to keep.
        """
        self._connection.execute(f"DELETE FROM digests WHERE kind = ? AND key NOT IN ({but})", (kind,))

    def contents(self) -> dict[str, str]:
        """Compute the digests of the store's tables, see `contents`."""
        return contents(self._connection)

    def all(self) -> list[AuditEntry]:
        """List all entries, the oldest first; none in a store of format 1."""
        if not self.exists():
            return []
        rows = self._connection.execute("SELECT number, generation, entry, digest FROM seals ORDER BY number")
        return [AuditEntry(*row) for row in rows]

    def identity(self) -> str:
        """Return the digest of the first entry, by which a store is known; "" in a store of format 1."""
        if not self.exists():
            return ""
        query = "SELECT digest FROM seals ORDER BY number LIMIT 1"
        (digest,) = self._connection.execute(query).fetchone() or ("",)
        return str(digest)

    def digest_of(self, kind: str, key: object) -> str | None:
        """Return the recorded sha256 (hex) of a content; None where none is recorded."""
        query = "SELECT digest FROM digests WHERE kind = ? AND key = ?"
        row = self._connection.execute(query, (kind, key)).fetchone()
        return None if row is None else str(row[0])

    def digests(self) -> Iterator[tuple[str, Any, str]]:
        """Yield kind, key and sha256 (hex) of each recorded digest."""
        yield from self._connection.execute("SELECT kind, key, digest FROM digests ORDER BY kind, key")

    def taught(self) -> list[tuple[int, str, int, str]]:
        """List the pictures that each generation brought.

        Returns:
            Generation, label at that time, number of pictures and their digest, see `pictures_digest`.
            Classes that were forgotten since are absent.
        """
        if not self.exists():
            return []
        rows = self._connection.execute(
            "SELECT l.born, l.label, c.images, d.digest, d.key FROM lives l JOIN classes c ON c.id = l.class"
            " JOIN digests d ON d.kind = 'pictures' AND d.key = c.features"
            " WHERE l.rowid = (SELECT min(rowid) FROM lives WHERE class = l.class) ORDER BY l.rowid"
        ).fetchall()
        decrypt_name = self.cipher.decrypt_name
        return [
            (born, decrypt_name(LABEL_COLUMN, label), images, decrypt_name(_PICTURES, digest, key))
            for born, label, images, digest, key in rows
        ]

    def pictures_digests(self) -> list[tuple[int, str]]:
        """List the row of features and the digest of its pictures, for each row."""
        query = "SELECT key, digest FROM digests WHERE kind = 'pictures' ORDER BY key"
        rows = self._connection.execute(query).fetchall()
        return [(key, self.cipher.decrypt_name(_PICTURES, digest, key)) for key, digest in rows]

    def is_authentic(self, entry: AuditEntry) -> bool:
        """Return whether an entry was made with the store's key; always true for a store without a key.

        Raises:
            ValueError: it is no JSON object.
        """
        content = entry.content
        code = content.pop(CODE, None)
        return code == self.cipher.mac(canonical_json(content).encode()) or not self.cipher.encrypted

    def _last_generation(self) -> int:
        return int(self._connection.execute("SELECT max(number) FROM generations").fetchone()[0] or 0)


def contents(connection: sqlite3.Connection) -> dict[str, str]:
    """Compute a digest of each table of a store.

    Args:
        connection: to the store.

    Returns:
        Table to sha256 (hex) over its rows in canonical JSON, a thousand rows at a time.
    """
    present = {name: query for name, query in _TABLES.items() if _is_present(connection, name)}
    return {name: _digest_of_rows(connection, query) for name, query in present.items()}


def contents_digest(contents: dict[str, str]) -> str:
    """Compute one sha256 (hex) over the digests of `contents`."""
    return sha256(canonical_json(contents).encode())


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Return whether a database has a table."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, (name,)).fetchone() is not None


def _is_present(connection: sqlite3.Connection, name: str) -> bool:
    # A store without source images has no table of them.
    return name != "pictures" or has_table(connection, name)


def _digest_of_rows(connection: sqlite3.Connection, query: str) -> str:
    digest = hashlib.sha256()
    rows = connection.execute(query)
    while some := rows.fetchmany(_ROWS_AT_ONCE):
        digest.update(canonical_json(some).encode())
    return digest.hexdigest()
