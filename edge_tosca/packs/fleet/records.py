"""What a box remembers of its fleet: messages, numbers and the signed accounts of packs, in one SQLite file.

Sets only grow: an offer or a tombstone that was stored is never removed, so that a broker that lost its
messages, or a replayed offer, changes nothing here.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.converge import Offer, Tombstone, read_offer, read_tombstone
from edge_tosca.packs.fleet.messages import Message, verified

MAX_MESSAGES_OF_A_KEY = 50_000
"""Offers and tombstones that are stored of one signer."""

_Place = tuple[str, str, str]
"""Group, digest of the pack, and key of the signer."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (kind TEXT, place TEXT, key TEXT, number INTEGER, data BLOB,
    PRIMARY KEY (kind, place, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (pack TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


class Records:
    """The file of one box.

    Args:
        path: of the file, which is made if it is missing; readable by its user alone.
        fleet: name of the fleet.

    Raises:
        FleetError: it cannot be read or written.
    """

    def __init__(self, path: Path, fleet: str) -> None:
        self._path, self._fleet = path, fleet
        with self._errors():
            path.touch(mode=0o600, exist_ok=True)
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=30, check_same_thread=False
            )
            # An account that was deleted leaves no byte.
            self._connection.execute("PRAGMA secure_delete = ON")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
        self._offers: dict[_Place, Offer] | None = None
        self._tombstones: dict[_Place, Tombstone] | None = None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Write what the block stores at once, in one transaction."""
        self._run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._offers = self._tombstones = None
            self._run("ROLLBACK")
            raise
        self._run("COMMIT")

    def next_number(self, name: str = "sent") -> int:
        """Return a number that was never returned before; it is on the disk already.

        Args:
            name: of the sequence.
        """
        query = (
            "INSERT INTO numbers VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
            " RETURNING value"
        )
        return int(self._run(query, name)[0][0])

    def number(self, name: str) -> int:
        """Return the largest number of a sequence; 0 before the first."""
        found = self._run("SELECT value FROM numbers WHERE name = ?", name)
        return int(found[0][0]) if found else 0

    def set_number(self, name: str, value: int) -> None:
        """Set the largest number of a sequence."""
        self._run("INSERT OR REPLACE INTO numbers VALUES (?, ?)", name, value)

    def note(self, name: str) -> str:
        """Return a note; "" where there is none."""
        found = self._run("SELECT value FROM notes WHERE name = ?", name)
        return str(found[0][0]) if found else ""

    def set_note(self, name: str, value: str) -> None:
        """Store a note."""
        self._run("INSERT OR REPLACE INTO notes VALUES (?, ?)", name, value)

    def keep(self, message: Message, place: str = "") -> bool:
        """Store a message whose signature was verified.

        Args:
            message: the message.
            place: group and digest of an offer or a tombstone; name of the box of a have.

        Returns:
            Whether it is newer than the one of the same kind, place and signer, or the first.
        """
        known = self._run(
            "SELECT number FROM messages WHERE kind = ? AND place = ? AND key = ?",
            message.kind,
            place,
            message.key,
        )
        grows = message.kind in ("offer", "tombstone")
        if not known and grows and self._is_full(message.key):
            return False
        # Another process of this box may have stored it.
        unseen = grows and self._see(message)
        if known and (grows or int(known[0][0]) >= message.number):
            return unseen
        self._run(
            "INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?)",
            message.kind,
            place,
            message.key,
            message.number,
            message.data,
        )
        return True

    def offers(self) -> set[Offer]:
        """Return all offers, whether they count or not."""
        return set(self._known_offers().values())

    def tombstones(self) -> set[Tombstone]:
        """Return all tombstones, whether they count or not."""
        return set(self._known_tombstones().values())

    def _known_offers(self) -> dict[_Place, Offer]:
        if self._offers is None:
            found = (read_offer(verified(data, self._fleet)) for _, data in self.messages("offer"))
            self._offers = {(one.group, one.pack, one.key): one for one in found}
        return self._offers

    def _known_tombstones(self) -> dict[_Place, Tombstone]:
        if self._tombstones is None:
            found = (read_tombstone(verified(data, self._fleet)) for _, data in self.messages("tombstone"))
            self._tombstones = {(one.group, one.pack, one.key): one for one in found}
        return self._tombstones

    def _see(self, message: Message) -> bool:
        """Add an offer or a tombstone to the sets in memory; return whether it was missing there."""
        if message.kind == "offer":
            offer = read_offer(message)
            place = (offer.group, offer.pack, offer.key)
            return self._known_offers().setdefault(place, offer) is offer
        tombstone = read_tombstone(message)
        place = (tombstone.group, tombstone.pack, tombstone.key)
        return self._known_tombstones().setdefault(place, tombstone) is tombstone

    def messages(self, kind: str) -> list[tuple[str, bytes]]:
        """Return place and bytes of all messages of a kind, the newest last."""
        query = "SELECT place, data FROM messages WHERE kind = ? ORDER BY number"
        return [(str(place), bytes(data)) for place, data in self._run(query, kind)]

    def message(self, kind: str, place: str, key: str) -> bytes | None:
        """Return the bytes of one message; None where there is none."""
        query = "SELECT data FROM messages WHERE kind = ? AND place = ? AND key = ?"
        found = self._run(query, kind, place, key)
        return bytes(found[0][0]) if found else None

    def account(self, pack: str) -> bytes | None:
        """Return the encrypted account of a pack; None where there is none."""
        found = self._run("SELECT data FROM accounts WHERE pack = ?", pack)
        return bytes(found[0][0]) if found else None

    def set_account(self, pack: str, data: bytes | None) -> None:
        """Store the encrypted account of a pack, or remove it."""
        if data is None:
            self._run("DELETE FROM accounts WHERE pack = ?", pack)
        else:
            self._run("INSERT OR REPLACE INTO accounts VALUES (?, ?)", pack, data)

    def _is_full(self, key: str) -> bool:
        query = "SELECT count(*) FROM messages WHERE kind IN ('offer', 'tombstone') AND key = ?"
        return int(self._run(query, key)[0][0]) >= MAX_MESSAGES_OF_A_KEY

    def _run(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            reason = " ".join(str(error).split())
            raise FleetError(
                f"{self._path} cannot be used ({reason}); make room or allow it, or leave the fleet and "
                "join again"
            ) from None
