"""How often and how long each class was seen in each region, by hour: numbers in a table of their own.

The table exists exactly while a store counts, and has a row an hour. Its rows are outside of the audit log,
which would grow by an entry a minute. A count refers to the row of its class, so that a rename needs no
change, and goes with that row.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from edge_tosca.digests import canonical_json
from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.schema import TALLY, TALLY_TABLE

UNKNOWN = 0
"""Stands for the row of a class where what was seen is none of them."""

MAX_COUNTS = 2000
"""Of one hour: regions times classes. Further ones are not kept."""

_COLUMN = "tally.data"
_COLUMNS, _GROUP = 5, 2
_HOUR_SECONDS = 3600.0


@dataclass(frozen=True, order=True)
class Count:
    """What was seen in a region within an hour.

    Attributes:
        camera: name of the camera.
        region: name of the region.
        group: row of the class; UNKNOWN for none of them.
        seen: how often it appeared.
        seconds: how long it was shown.
    """

    camera: str
    region: str
    group: int
    seen: int
    seconds: float

    @property
    def key(self) -> tuple[str, str, int]:
        """What was seen, and where."""
        return self.camera, self.region, self.group


class Tally:
    """Reads and writes the counts of a store; changes inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, cipher: PlainRows = PLAIN_ROWS) -> None:
        self._connection = connection
        self.cipher = cipher

    def exists(self) -> bool:
        """Return whether the store counts."""
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._connection.execute(query, (TALLY_TABLE,)).fetchone() is not None

    def create(self) -> None:
        """Count from now on."""
        self._connection.execute(TALLY)

    def drop(self) -> None:
        """Erase all counts, and count no longer."""
        if self.exists():
            self._connection.execute("DELETE FROM tally")
            self._connection.execute("DROP TABLE tally")

    def add(self, hour: int, counts: Iterable[Count]) -> None:
        """Add counts to those of an hour.

        Args:
            hour: since 1970, UTC.
            counts: of that hour.
        """
        kept = {count.key: count for count in self.of(hour)}
        for count in counts:
            before = kept.get(count.key)
            if before is None and len(kept) >= MAX_COUNTS:
                continue
            seen, seconds = (0, 0.0) if before is None else (before.seen, before.seconds)
            kept[count.key] = Count(*count.key, seen + count.seen, seconds + count.seconds)
        self._put(hour, kept.values())

    def of(self, hour: int) -> list[Count]:
        """Read the counts of an hour; none where there are none."""
        row = self._connection.execute("SELECT data FROM tally WHERE hour = ?", (hour,)).fetchone()
        return [] if row is None else self._read(hour, row[0])

    def all(self, since: int = 0) -> Iterator[tuple[int, list[Count]]]:
        """Yield the hours with their counts, the earliest first.

        Args:
            since: first hour.
        """
        if not self.exists():
            return
        hours = self._connection.execute("SELECT hour FROM tally WHERE hour >= ? ORDER BY hour", (since,))
        for (hour,) in hours.fetchall():
            yield hour, self.of(hour)

    def prune(self, before: int) -> None:
        """Erase the hours before one."""
        self._connection.execute("DELETE FROM tally WHERE hour < ?", (before,))

    def erase(self, groups: Set[int]) -> None:
        """Erase the counts of classes.

        Args:
            groups: rows of the classes.
        """
        if not self.exists():
            return
        # Every hour of years: the rows are not made into counts and back.
        for (hour,) in self._connection.execute("SELECT hour FROM tally").fetchall():
            (data,) = self._connection.execute("SELECT data FROM tally WHERE hour = ?", (hour,)).fetchone()
            rows = self._rows(hour, data)
            left = [row for row in rows if row[_GROUP] not in groups]
            if len(left) < len(rows):
                self._write(hour, left)

    def reencrypt(self, new: PlainRows) -> None:
        """Rewrite all counts under another cipher.

        Args:
            new: the cipher.
        """
        for hour, counts in self.all():
            Tally(self._connection, new)._put(hour, counts)
        self.cipher = new

    def _put(self, hour: int, counts: Iterable[Count]) -> None:
        rows = [
            [count.camera, count.region, count.group, count.seen, round(count.seconds, 3)]
            for count in sorted(counts)
        ]
        self._write(hour, rows)

    def _write(self, hour: int, rows: list[list[Any]]) -> None:
        if not rows:
            self._connection.execute("DELETE FROM tally WHERE hour = ?", (hour,))
            return
        data = self.cipher.encrypt(_COLUMN, hour, canonical_json(rows).encode())
        self._connection.execute("INSERT OR REPLACE INTO tally VALUES (?, ?)", (hour, data))

    def _read(self, hour: int, data: object) -> list[Count]:
        return [_checked(*row) for row in self._rows(hour, data)]

    def _rows(self, hour: int, data: object) -> list[list[Any]]:
        rows = json.loads(self.cipher.decrypt(_COLUMN, hour, data))
        if not isinstance(rows, list) or len(rows) > MAX_COUNTS or any(len(row) != _COLUMNS for row in rows):
            raise ValueError("these are no counts")
        return rows


def _checked(camera: object, region: object, group: object, seen: object, seconds: object) -> Count:
    named = isinstance(camera, str) and isinstance(region, str)
    if not named or type(group) is not int or type(seen) is not int or not isinstance(seconds, int | float):
        raise ValueError("this is no count")
    # More seconds than an hour has can only be a fault of the clock, or of the file.
    if group < 0 or seen < 0 or not 0 <= seconds <= 2 * _HOUR_SECONDS:
        raise ValueError("a count is out of range")
    return Count(str(camera), str(region), group, seen, float(seconds))
