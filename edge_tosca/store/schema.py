"""The tables of a store, the names of its columns and settings, and connections to it."""

import contextlib
import functools
import sqlite3
from pathlib import Path

FORMAT = 2
ENCRYPTED = 3
"""Format 2 with encrypted contents; a program without encryption refuses it."""

WITH_NONE = 4
ENCRYPTED_WITH_NONE = 5
"""Formats 2 and 3 with pictures of none of the classes, which version 0.1.1 would take for a class."""

WITH_TALLY = 6
ENCRYPTED_WITH_TALLY = 7
"""A plain and an encrypted store that counts, with pictures of none of the classes or without. Earlier
versions refuse a table that they do not know; by this number they say that they are too old."""

NEWEST = ENCRYPTED_WITH_TALLY
"""The highest format number that this program reads."""

APPLICATION_ID = 0x546F7363
"""Marks an SQLite file as a store of edge-tosca ("Tosc")."""

BUSY_SECONDS = 30.0
"""Seconds that a writer waits for another one."""

LABEL_COLUMN = "lives.label"
"""Column of class names. Column strings are associated data of encrypted rows: none may change."""

MODULE_COLUMN = "modules.digest"
"""Column of module digests; other tables refer to modules by the encrypted form of this column."""

EMPTY_REPORT = "{}"
"""Report of a generation until its own is written."""

ENCRYPTION_SETTING = "encryption"
"""Setting that holds the wrapped key of an encrypted store; a plain store does not have it."""

MAX_BYTES_SETTING = "max_bytes"
"""Setting that limits the size of a store, in bytes; absent where there is no limit."""

STRICTNESS_SETTING = "strictness"
"""Setting with the strictness of all classes and of single ones, as JSON; absent where it is balanced."""

TALLY_SETTING = "tally_days"
"""Setting with the number of days that counts are kept; absent where nothing is counted."""

SEVERITY_SETTING = "severity"
"""Setting with the severity of classes, as JSON; absent where all are info."""

REGIONS_SETTING = "regions"
"""Setting with the named regions of each camera, as JSON; absent where every camera is seen whole."""

TABLES = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);

-- What learn, forget, rollback and rename made. The latest is the live one.
CREATE TABLE generations (
    number INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES generations,
    made_at TEXT NOT NULL,
    command TEXT NOT NULL,
    report TEXT NOT NULL
);

-- Immutable: a row is named by the sha256 of its data. Evidence holds the held-out cosines.
CREATE TABLE modules (digest TEXT PRIMARY KEY, data BLOB NOT NULL, evidence BLOB NOT NULL);

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    learned_at TEXT NOT NULL,
    module TEXT NOT NULL REFERENCES modules
);

-- The pictures of one class in one task, as float16 features in the safetensors format.
CREATE TABLE features (id INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL);

CREATE TABLE classes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks,
    position INTEGER NOT NULL,
    images INTEGER NOT NULL,
    features INTEGER NOT NULL REFERENCES features
);

-- In which generations (born <= number < died) a class lives, and under which label.
CREATE TABLE lives (
    class INTEGER NOT NULL REFERENCES classes ON DELETE CASCADE,
    label TEXT NOT NULL,
    born INTEGER NOT NULL REFERENCES generations,
    died INTEGER REFERENCES generations
);
CREATE INDEX lives_by_class ON lives (class);

-- Derived from the cached features of a generation, and kept for the live one only.
CREATE TABLE statistics (generation INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE routers (generation INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""
"""Tables of format 1, with which every store begins."""

ADDED = {
    2: """
-- The sha256 of what is too large to be hashed at every change, and a salt that goes with the row.
CREATE TABLE digests (
    kind TEXT NOT NULL,
    key NOT NULL,
    salt BLOB NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

-- One for each change, chained by their digests.
CREATE TABLE seals (
    number INTEGER PRIMARY KEY,
    generation INTEGER REFERENCES generations,
    entry TEXT NOT NULL,
    digest TEXT NOT NULL
);
"""
}
"""Further tables of each later format."""


PICTURES = """
CREATE TABLE IF NOT EXISTS pictures (
    features INTEGER NOT NULL REFERENCES features ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (features, position)
)
"""
"""Created with its first row, see `edge_tosca.store.source_images`."""


TALLY_TABLE = "tally"
TALLY = """
CREATE TABLE IF NOT EXISTS tally (hour INTEGER PRIMARY KEY, data BLOB NOT NULL)
"""
"""Counts of each hour since 1970, see `edge_tosca.store.tally`; there while the store counts."""


def add_tables(connection: sqlite3.Connection, version: int = 0) -> None:
    """Create the tables that a store lacks; inside a transaction.

    Args:
        connection: to the store.
        version: its format; 0 for an empty file.
    """
    missing = [] if version else [TABLES]
    missing += [tables for number, tables in ADDED.items() if number > version]
    # executescript would commit first; the tables must appear all or none.
    for statement in "".join(missing).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def set_format(connection: sqlite3.Connection, encrypted: bool, none: bool = False) -> None:
    """Set the format number that marks the contents; inside a transaction.

    Args:
        connection: to the store.
        encrypted: the contents are encrypted.
        none: the store holds pictures of none of the classes, live or in its history.
    """
    plain, secret = (WITH_NONE, ENCRYPTED_WITH_NONE) if none else (FORMAT, ENCRYPTED)
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if connection.execute(query, (TALLY_TABLE,)).fetchone():
        plain, secret = WITH_TALLY, ENCRYPTED_WITH_TALLY
    version = secret if encrypted else plain
    # A change of nothing must not write a page.
    if connection.execute("PRAGMA user_version").fetchone()[0] != version:
        connection.execute(f"PRAGMA user_version = {version}")


def connect(path: Path, *, immutable: bool = False) -> sqlite3.Connection:
    """Open a connection whose commits survive a power cut and whose deletions are overwritten.

    Args:
        path: of the SQLite file, which is created if it does not exist.
        immutable: read the file alone, without locks and log; such a connection is marked as `query_only`.

    Returns:
        A connection in autocommit mode; transactions are begun explicitly.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?immutable=1" if immutable else path,
        uri=immutable,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute(f"PRAGMA query_only = {immutable:d}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    # An untrusted file may hold code in its schema, and cells that overlap.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def foreign_parts(connection: sqlite3.Connection) -> list[str]:
    """List the parts of a schema that no version of this program makes.

    A trigger or a view of an untrusted file would run when a table is used.

    Args:
        connection: to a store.

    Returns:
        Names of its tables, indices, triggers and views whose definitions are not ours.
    """
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return [str(name) for kind, name, sql in rows if (kind, name, _spelt(sql)) not in _own_parts()]


@functools.cache
def _own_parts() -> frozenset[tuple[str, str, str]]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        add_tables(connection)
        connection.execute(PICTURES)
        connection.execute(TALLY)
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return frozenset((kind, name, _spelt(sql)) for kind, name, sql in rows)


def _spelt(sql: object) -> str:
    return " ".join(str(sql).split())
