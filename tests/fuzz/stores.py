"""Stores of strangers: spoilt byte by byte as a file, and row by row behind SQLite's checks."""

import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from tests.fuzz.json_changes import change_header, change_json
from tests.fuzz.shop import in_memory, shop
from tests.fuzz.target import Target, file_of

from edge_tosca.digests import sha256
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.model import Model
from edge_tosca.learner.verification import verify
from edge_tosca.packs import trusted_keys
from edge_tosca.store.damage import ANSWERING
from edge_tosca.store.store import Store
from edge_tosca.store.tensor_blobs import read_arrays
from edge_tosca.store.verify import file_faults
from edge_tosca.tosca.task_module import Module

_ODD = (
    None, 0, -1, 1, 2, 2**31, 2**63 - 1, -(2**63), 0.5, 1e308, float("inf"), "", "x", "0", "-1", "1e400",
    "nan", "a\nb", "\0", "\x1b[2J", "mug", "bowl", "cup", "learn", "fused", "entropy", b"", b"\0" * 8,
    "9" * 5000, b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}", "x" * 100_000, "trusted key \n", "max_bytes", "golden",
    "[" * 5000, "{}",
)  # fmt: skip


def _read_file(data: bytes) -> None:
    with file_of("shop.tosca", data, ("shop.tosca-wal", "shop.tosca-shm", "shop.tosca-journal")) as path:
        store = Store.open(path)
        try:
            _ask(store)
            list(file_faults(store))
        finally:
            store.close()


def _read_rows(data: bytes) -> None:
    """Take the bytes for a seed and a list of changes; only those rows are not in order."""
    # A forget leaves a note beside its store.
    with tempfile.TemporaryDirectory() as folder, closing(in_memory(shop())) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for place in range(0, min(len(data), 32), 8):
            _change_row(connection, random.Random(data[place : place + 8]))
        # Contents that differ from their digests are refused before they are read.
        if random.Random(data).random() < 0.7:
            _record_digests(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        store = Store(Path(folder) / "shop.tosca", connection)
        _ask(store)
        verify(store)
        _write(store, random.Random(data))


def _ask(store: Store) -> None:
    store.history()
    trusted_keys(store)
    state = store.state()
    for task in state.tasks:
        Module.from_bytes(store.module(task.module))
        store.evidence(task.module)
    if state.tasks:
        features = np.ones((1, int(store.settings["feature_dim"])), np.float32)
        Model(store, state).predict(features, 3)


def _write(store: Store, chance: random.Random) -> None:
    deed = chance.randrange(4)
    if deed == 0:
        forget_class(store, "mug")
    elif deed == 1:
        rename_class(store, "mug", "pot", False)
    elif deed == 2:
        rollback(store, None)


def _change_row(connection: sqlite3.Connection, chance: random.Random) -> None:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = chance.choice(sorted(tables))
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    column = chance.choice(columns)
    # A change that the schema refuses is none; what is no text any more, and what SQLite has no number for,
    # stays as it is.
    try:
        rows = connection.execute(f"SELECT {column} FROM {table}").fetchall()
        if not rows:
            return
        (value,) = chance.choice(rows)
        if chance.random() < 0.08:
            connection.execute(f"DELETE FROM {table} WHERE {column} IS ?", (value,))
        elif chance.random() < 0.05:
            connection.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE {column} IS ?", (value,))
        else:
            other, text = _spoilt(value, chance), "CAST(? AS TEXT)" if chance.random() < 0.05 else "?"
            connection.execute(f"UPDATE {table} SET {column} = {text} WHERE {column} IS ?", (other, value))
    except (sqlite3.Error, UnicodeEncodeError, OverflowError):
        pass


def _record_digests(connection: sqlite3.Connection) -> None:
    for kind, (table, column, key) in ANSWERING.items():
        try:
            rows = connection.execute(f"SELECT {key}, {column} FROM {table}").fetchall()
            for name, data in rows:
                if isinstance(data, bytes):
                    query = "UPDATE digests SET digest = ? WHERE kind = ? AND key IS ?"
                    connection.execute(query, (sha256(data), kind, name))
        except (sqlite3.Error, UnicodeEncodeError, OverflowError):
            pass


def _spoilt(value: object, chance: random.Random) -> object:
    if isinstance(value, bytes) and chance.random() < 0.85:
        if chance.random() < 0.6:
            return change_header(value, chance)
        spoilt = bytearray(value)
        for _ in range(chance.choice((1, 2, 8))):
            if spoilt:
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        return bytes(spoilt[: chance.choice((len(spoilt), len(spoilt), len(spoilt) // 2))])
    if isinstance(value, str) and value.startswith("{") and chance.random() < 0.85:
        return change_json(value.encode(), chance).decode()
    if isinstance(value, int) and chance.random() < 0.5:
        return value + chance.choice((-2, -1, 1, 2, 10**6))
    return chance.choice(_ODD)


def _read_module(data: bytes) -> None:
    Module.from_bytes(data)


_ARRAYS = sqlite3.connect(":memory:", isolation_level=None)
_ARRAYS.execute("CREATE TABLE arrays (data BLOB)")
_ARRAYS.execute("INSERT INTO arrays VALUES (x'')")


def _read_arrays(data: bytes) -> None:
    _ARRAYS.execute("UPDATE arrays SET data = ?", (data,))
    with _ARRAYS.blobopen("arrays", "data", 1, readonly=True) as blob:
        # The store tells these as damage.
        try:
            arrays = read_arrays(blob)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            return
    if sum(array.nbytes for array in arrays.values()) > len(data):
        raise AssertionError("arrays unfolded to more than the row")


def _modules() -> list[bytes]:
    return [bytes(data) for (data,) in _rows("SELECT data FROM modules")]


def _derived() -> list[bytes]:
    return [
        bytes(data) for (data,) in _rows("SELECT data FROM routers UNION ALL SELECT data FROM statistics")
    ]


def _rows(query: str) -> list[tuple[bytes]]:
    with closing(in_memory(shop())) as connection:
        return connection.execute(query).fetchall()


def _in_header(data: bytes, most: int, seed: int) -> bytes:
    return change_header(data, random.Random(seed))[:most]


def _draw(data: bytes, most: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(8 * (1 + seed % 4))


_SQLITE = (
    b"SQLite format 3\0",
    b"Tosc",
    b"CREATE TABLE",
    b"WITHOUT ROWID",
    b"settings",
    b"generations",
    b"seals",
)

TARGETS = {
    "store": Target(_read_file, lambda: [shop()], words=_SQLITE, most=200_000),
    "rows": Target(_read_rows, lambda: [bytes(8), bytes(range(32))], change=_draw, most=64),
    "module": Target(_read_module, _modules, change=_in_header, most=20_000),
    "tensors": Target(_read_arrays, _derived, change=_in_header, most=40_000),
}
