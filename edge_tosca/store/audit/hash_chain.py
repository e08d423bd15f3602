"""The chain of seals: every change of a store leaves one, so that a change behind its back is found.

A seal is a JSON object and its sha256. It names the seal before it, says what the file held when the change
began and when it ended, and by whom, when and with what it was made. What the file holds is told by one
sha256 a table. Large contents enter it through the table `digests`, which keeps the sha256 of each, so that
a seal costs the same however large they are. Each of these rows has a salt: once a row was erased nothing in
the chain can confirm a guess at what it was.
"""

import contextlib
import hashlib
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge_tosca.digests import canonical, sha256
from edge_tosca.store.audit.provenance import provenance
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.schema import LABEL_COLUMN

KINDS = ("features", "pictures", "evidence", "report", "routers", "statistics")
"""What `digests` has rows of. The key is a row of features for the first two, a module's digest for the
third, and a generation's number for the others."""


CODE = "code"
"""Of a seal in an encrypted store: what only the store's key can make of the rest of it."""

_PICTURES = "digests.pictures"
_SALT_BYTES = 16
_AT_ONCE = 1000

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
    """One link of the chain.

    Attributes:
        number: counts up from 1.
        generation: the one that the change made; None where it made none, as `pack trust` does.
        entry: what was sealed, as JSON.
        digest: sha256 (hex) of the entry.
    """

    number: int
    generation: int | None
    entry: str
    digest: str

    @property
    def content(self) -> dict[str, Any]:
        """The entry's values.

        Raises:
            ValueError: it is no JSON object.
        """
        values = json.loads(self.entry)
        if not isinstance(values, dict):
            raise ValueError("a seal makes no sense")
        return values

    @property
    def program_version(self) -> str | None:
        """The version of edge-tosca that made the entry; None if it does not say."""
        with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return str(self.content["by"]["versions"]["edge-tosca"])
        return None


class AuditLog:
    """Writes and reads the seals of a store; inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, cipher: PlainRows = PLAIN_ROWS) -> None:
        self._connection = connection
        self.cipher = cipher
        self._found = ""
        self._command = ""
        self._changes = 0
        self._generation = 0
        self._provenance: dict[str, str] = {}

    def exists(self) -> bool:
        """Say whether this store has a chain: one of format 1 has none yet."""
        return has_table(self._connection, "seals")

    def begin(self) -> None:
        """Look at what the file holds before a change."""
        self._found = contents_digest(contents(self._connection))
        self._changes = self._connection.total_changes
        self._generation = self._last_generation()
        self._provenance = {}
        self._command = ""

    def set_command(self, command: str) -> None:
        """Say what this change is called, where it makes no generation."""
        self._command = command

    def set_provenance(self, settings: Mapping[str, str]) -> None:
        """Say with what this change was made, where that is not what the store was made with.

        Args:
            settings: those that differ.
        """
        self._provenance.update(settings)

    def end(self, settings: dict[str, str], command: str = "") -> None:
        """Seal a change, if there was one.

        Args:
            settings: of the store.
            command: what was done whether or not a row was changed; by default what made the new generation,
                or, where there is none, what `name` said, or "settings".
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
        }
        code = self.cipher.mac(canonical(entry).encode())
        text = canonical(entry if code is None else {**entry, CODE: code})
        self._connection.execute(
            "INSERT INTO seals VALUES (?, ?, ?, ?)", (number + 1, generation, text, sha256(text.encode()))
        )

    def record_digest(self, kind: str, key: object, digest: str) -> None:
        """Keep the digest of something large, in place of the one before.

        Args:
            kind: one of KINDS.
            key: of its row.
            digest: sha256 (hex) of what lies in the file, or for "pictures" of the pictures.
        """
        # All others are of what is encrypted already; this one would confirm a guess at the pictures.
        filed = self.cipher.encrypt_name(_PICTURES, digest, key) if kind == "pictures" else digest
        self._connection.execute(
            "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)",
            (kind, key, secrets.token_bytes(_SALT_BYTES), filed),
        )

    def drop_digest(self, kind: str, key: object) -> None:
        """Forget the digest of what was erased."""
        self._connection.execute("DELETE FROM digests WHERE kind = ? AND key = ?", (kind, key))

    def drop_digests(self, kind: str, but: str = "SELECT NULL WHERE 0") -> None:
        """Forget the digests of a kind.

        Args:
            kind: one of KINDS.
            but: query that gives the keys to be left.
        """
        self._connection.execute(f"DELETE FROM digests WHERE kind = ? AND key NOT IN ({but})", (kind,))

    def contents(self) -> dict[str, str]:
        """Tell what the store holds now, see `contents`."""
        return contents(self._connection)

    def all(self) -> list[AuditEntry]:
        """List all seals, the oldest first; none in a store of format 1."""
        if not self.exists():
            return []
        rows = self._connection.execute("SELECT number, generation, entry, digest FROM seals ORDER BY number")
        return [AuditEntry(*row) for row in rows]

    def digests(self) -> Iterator[tuple[str, Any, str]]:
        """Give kind, key and sha256 (hex) of everything whose digest is kept."""
        yield from self._connection.execute("SELECT kind, key, digest FROM digests ORDER BY kind, key")

    def taught(self) -> list[tuple[int, str, int, str]]:
        """Tell which pictures were taught.

        Returns:
            Generation, label that it taught, number of pictures and their digest, see `pictures_digest`.
            Classes that were forgotten since are not among them.
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
        """Give the digest of the pictures behind each row of features."""
        query = "SELECT key, digest FROM digests WHERE kind = 'pictures' ORDER BY key"
        rows = self._connection.execute(query).fetchall()
        return [(key, self.cipher.decrypt_name(_PICTURES, digest, key)) for key, digest in rows]

    def is_authentic(self, entry: AuditEntry) -> bool:
        """Say whether a seal was made with the store's key; so is every one where there is no key.

        Raises:
            ValueError: it is no JSON object.
        """
        content = entry.content
        code = content.pop(CODE, None)
        return code == self.cipher.mac(canonical(content).encode()) or not self.cipher.encrypted

    def _last_generation(self) -> int:
        return int(self._connection.execute("SELECT max(number) FROM generations").fetchone()[0] or 0)


def contents(connection: sqlite3.Connection) -> dict[str, str]:
    """Tell what a store holds.

    Args:
        connection: to it.

    Returns:
        Table to sha256 (hex) over its rows in JSON, a thousand rows at a time.
    """
    there = {name: query for name, query in _TABLES.items() if _is_there(connection, name)}
    return {name: _digest_of_rows(connection, query) for name, query in there.items()}


def contents_digest(contents: dict[str, str]) -> str:
    """Give one sha256 (hex) for what `contents` told."""
    return sha256(canonical(contents).encode())


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Say whether a database has a table."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, (name,)).fetchone() is not None


def _is_there(connection: sqlite3.Connection, name: str) -> bool:
    # Remembered files have a table only where there are any.
    return name != "pictures" or has_table(connection, name)


def _digest_of_rows(connection: sqlite3.Connection, query: str) -> str:
    digest = hashlib.sha256()
    rows = connection.execute(query)
    while some := rows.fetchmany(_AT_ONCE):
        digest.update(canonical(some).encode())
    return digest.hexdigest()
