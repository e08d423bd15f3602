"""Pictures that wait for a lesson or a name, in the file of thumbnails, so that a restart does not lose them.

Rows are encrypted as thumbnails are, their class name too, for the row's id.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from edge_tosca.store.crypto.row_cipher import PlainRows

WAITING_TABLE = """
CREATE TABLE IF NOT EXISTS waiting (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    sealed INTEGER NOT NULL,
    content BLOB NOT NULL
);
"""

_LABEL = "waiting.label"
_CONTENT = "waiting.content"


@dataclass(frozen=True)
class WaitingRow:
    """A row of the file.

    Attributes:
        label: the class that it waits for; "" if it has none yet.
        content: bytes of the console's own.
    """

    label: str
    content: bytes


def read_waiting(connection: sqlite3.Connection, cipher: PlainRows) -> dict[str, WaitingRow]:
    """Read all rows.

    Args:
        connection: to the file.
        cipher: of the store.

    Returns:
        Rows by id, in the order in which they were written.

    Raises:
        StoreError: a row cannot be decrypted.
    """
    if not _has_table(connection):
        return {}
    rows = connection.execute("SELECT id, label, content FROM waiting WHERE sealed = ?", (cipher.encrypted,))
    return {
        key: WaitingRow(cipher.decrypt_name(_LABEL, label, key), cipher.decrypt(_CONTENT, key, content))
        for key, label, content in rows
    }


def write_waiting(
    connection: sqlite3.Connection, cipher: PlainRows, rows: Mapping[str, WaitingRow], gone: Iterable[str]
) -> None:
    """Write rows over those of the same id, and erase others; inside a transaction.

    Args:
        connection: to the file.
        cipher: of the store.
        rows: by id.
        gone: ids of the rows to erase.
    """
    connection.executemany("DELETE FROM waiting WHERE id = ?", [(key,) for key in gone])
    connection.executemany(
        "INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?)",
        [
            (
                key,
                cipher.encrypt_name(_LABEL, row.label, key),
                cipher.encrypted,
                cipher.encrypt(_CONTENT, key, row.content),
            )
            for key, row in rows.items()
        ],
    )


def erase_waiting(
    connection: sqlite3.Connection, cipher: PlainRows, labels: Collection[str], *, every: bool = False
) -> None:
    """Erase the rows of some classes, and plain rows of an encrypted store.

    Args:
        connection: to the file.
        cipher: of the store.
        labels: of the classes.
        every: erase all rows.
    """
    connection.execute("DELETE FROM waiting WHERE sealed < ? OR ?", (cipher.encrypted, every))
    if labels:
        rows = connection.execute("SELECT id, label FROM waiting").fetchall()
        gone = [(key,) for key, label in rows if cipher.decrypt_name(_LABEL, label, key) in labels]
        connection.executemany("DELETE FROM waiting WHERE id = ?", gone)


def _has_table(connection: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'waiting'"
    return connection.execute(query).fetchone() is not None
