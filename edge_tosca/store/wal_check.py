"""Refuse a log that lies beside a store and is another one's, before SQLite reads the two as one file.

SQLite finds a database's log by its name, and its checksums tie the log's pages to each other, not to the
file ("How To Corrupt An SQLite Database File", section 1.4). A file that was put back without its log, or
over another one, would be answered from in part, and lost at the next write. The seals tie the two together:
what the file tells alone must go on in what it tells with its log, by as many changes as the log has commits.
"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.audit.hash_chain import AuditEntry, contents, has_table
from edge_tosca.store.schema import foreign_parts

_LOOKS = 3
"""Another process may begin its log anew between one look and the next."""

_AT_ONCE = 1 << 20
_HEADER, _FRAME_HEADER = 32, 24
_LAST = "SELECT number, generation, entry, digest FROM seals ORDER BY number DESC LIMIT 1"
_SENSELESS = (sqlite3.Error, ValueError, TypeError, LookupError, AttributeError, RecursionError)


def refuse_foreign_log(path: Path) -> None:
    """Make sure that the log beside a store, if there is one with anything in it, is its own.

    Nothing is written: neither the file nor the log is changed by what is read.

    Args:
        path: of the store.

    Raises:
        StoreError: the log is of another file, or of another day.
    """
    # SQLite follows links to the file before it looks for the log.
    log = Path(f"{os.path.realpath(path)}-wal")
    if not _size(log):
        return
    for _ in range(_LOOKS):
        if _belongs(path, log):
            return
    raise StoreError(
        f"{path} and the log beside it are not of one store and day: they are not as they were left; "
        f"delete {log} if the file was put back without it, or restore both"
    )


@dataclass(frozen=True)
class _Alone:
    """What a file tells without its log.

    Attributes:
        layout: counts up with each `VACUUM`, which moves all pages.
        seal: the last one.
    """

    layout: int
    seal: AuditEntry


def _belongs(path: Path, log: Path) -> bool:
    # The file first: what it tells alone only grows.
    alone = _alone(path)
    try:
        with closing(_reading(path, "mode=ro")) as connection:
            connection.execute("BEGIN")
            if foreign_parts(connection) or not has_table(connection, "seals"):
                return True
            try:
                goes_on = _as_left(connection) and (alone is None or _goes_on(connection, alone, log))
            except _SENSELESS:
                goes_on = False
            return goes_on or not _size(log)
    except _SENSELESS:
        # Whoever opens the store is told what is wrong.
        return True


def _alone(path: Path) -> _Alone | None:
    # While it is written back into, the file may be half one and half the other, and tell nothing.
    try:
        with closing(_reading(path, "immutable=1")) as connection:
            if foreign_parts(connection) or not has_table(connection, "seals"):
                return None
            alone = _Alone(_layout(connection), AuditEntry(*connection.execute(_LAST).fetchone()))
            return alone if _rightly(alone.seal) else None
    except _SENSELESS:
        return None


def _goes_on(connection: sqlite3.Connection, alone: _Alone, log: Path) -> bool:
    """Say whether a file with its log goes on where the file alone ends, by no more than is in the log."""
    query = "SELECT number, generation, entry, digest FROM seals WHERE number >= ? ORDER BY number"
    chain = [AuditEntry(*row) for row in connection.execute(query, (alone.seal.number,))]
    linked = all(after.content["before"] == before.digest for before, after in pairwise(chain))
    return (
        chain[0] == alone.seal
        and linked
        and len(chain) - 1 <= _commits(log)
        and alone.layout <= _layout(connection)
    )


def _as_left(connection: sqlite3.Connection) -> bool:
    """Say whether all but the features, which are many, is as the last seal left it."""
    last = AuditEntry(*connection.execute(_LAST).fetchone())
    if not _rightly(last) or last.content["left"] != contents(connection):
        return False
    query = "SELECT kind, key, digest FROM digests WHERE kind IN ('routers', 'statistics')"
    return all(
        _digest_of(connection, *row) == digest for *row, digest in connection.execute(query).fetchall()
    )


def _digest_of(connection: sqlite3.Connection, table: str, row: int) -> str:
    digest = sha256()
    with connection.blobopen(table, "data", row, readonly=True) as blob:
        while some := blob.read(_AT_ONCE):
            digest.update(some)
    return digest.hexdigest()


def _rightly(seal: AuditEntry) -> bool:
    return sha256(seal.entry.encode()).hexdigest() == seal.digest


def _commits(log: Path) -> int:
    """Count the commits in a log, those of its earlier rounds left out.

    Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
    """
    commits = 0
    # SQLite has no locks on this file, so closing it breaks none.
    with log.open("rb") as file:
        header = file.read(_HEADER)
        page, salts = int.from_bytes(header[8:12]), header[16:24]
        while len(frame := file.read(_FRAME_HEADER)) == _FRAME_HEADER and frame[8:16] == salts:
            commits += any(frame[4:8])
            file.seek(page, 1)
    return commits


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA schema_version").fetchone()[0])


def _reading(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)
    # As for every file of a stranger, see `schema.connect`.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0
