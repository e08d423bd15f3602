"""The files that a class was learned from, remembered only where somebody asked for it."""

import hashlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.schema import PICTURES
from edge_tosca.system.files import IrregularFileError, open_regular

_MOST_BYTES = 1 << 30
"""Of a file that is looked at; pictures are smaller."""


@dataclass(frozen=True)
class SourceImage:
    """A picture's file.

    Attributes:
        path: where it lay, absolute.
        sha256: of its bytes (hex): another picture of the same name is another picture.
    """

    path: Path
    sha256: str


def digest_of_file(path: Path) -> str | None:
    """Give the sha256 (hex) of a file's bytes; None where it cannot be read, or can be no picture."""
    try:
        with open_regular(path, _MOST_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, IrregularFileError):
        return None


class SourceImages:
    """The rows of a store that say which files its features were computed from.

    The table is made with its first row, so that a store that remembers nothing has no place for it.
    """

    def __init__(self, connection: sqlite3.Connection, cipher: PlainRows = PLAIN_ROWS) -> None:
        self._connection = connection
        self.cipher = cipher

    def put(self, features: int, pictures: Mapping[int, SourceImage]) -> None:
        """Remember the files of a group, in place of what was remembered of it; inside a transaction.

        Args:
            features: row of the cached features.
            pictures: index of a feature to its file.
        """
        self._connection.execute(PICTURES)
        self._connection.execute("DELETE FROM pictures WHERE features = ?", (features,))
        # A path is bytes to the system; not all of them are text.
        self._connection.executemany(
            "INSERT INTO pictures VALUES (?, ?, ?, ?)",
            [(features, at, *self._filed(f"{features} {at}", file)) for at, file in pictures.items()],
        )

    def of(self, features: int) -> dict[int, SourceImage]:
        """Give what is remembered of a group: index of a feature to its file."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").fetchone():
            return {}
        rows = self._connection.execute(
            "SELECT position, path, sha256 FROM pictures WHERE features = ? ORDER BY position", (features,)
        )
        return {at: self._read(f"{features} {at}", path, digest) for at, path, digest in rows.fetchall()}

    def all(self) -> dict[int, dict[int, SourceImage]]:
        """Give what is remembered, by row of features."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").fetchone():
            return {}
        rows = self._connection.execute("SELECT DISTINCT features FROM pictures ORDER BY features").fetchall()
        return {features: self.of(features) for (features,) in rows}

    def _filed(self, key: str, file: SourceImage) -> tuple[bytes, str]:
        path = self.cipher.encrypt("pictures.path", key, os.fsencode(file.path))
        return path, self.cipher.encrypt_name("pictures.sha256", file.sha256, key)

    def _read(self, key: str, path: object, digest: object) -> SourceImage:
        place = Path(os.fsdecode(self.cipher.decrypt("pictures.path", key, path)))
        return SourceImage(place, self.cipher.decrypt_name("pictures.sha256", digest, key))
