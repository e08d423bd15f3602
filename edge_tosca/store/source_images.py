"""The image files that a class was learned from, recorded only with `learn --remember`."""

import hashlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.store.crypto.row_cipher import PLAIN_ROWS, PlainRows
from edge_tosca.store.schema import PICTURES
from edge_tosca.system.files import IrregularFileError, open_regular

_MAX_BYTES = 1 << 30
"""Size of the largest file that is hashed; pictures are smaller."""


@dataclass(frozen=True)
class SourceImage:
    """The file of a picture.

    Attributes:
        path: absolute, at the time of learning.
        sha256: of its bytes (hex), to notice another picture of the same name.
    """

    path: Path
    sha256: str


def digest_of_file(path: Path) -> str | None:
    """Compute the sha256 (hex) of a file's bytes; None where it cannot be read, or cannot be a picture."""
    try:
        with open_regular(path, _MAX_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, IrregularFileError):
        return None


class SourceImages:
    """Reads and writes the files that a store's features were computed from.

    The table is created with its first row; a store without source images has none.
    """

    def __init__(self, connection: sqlite3.Connection, cipher: PlainRows = PLAIN_ROWS) -> None:
        self._connection = connection
        self.cipher = cipher

    def put(self, features: int, pictures: Mapping[int, SourceImage]) -> None:
        """Record the files of a group, in place of those recorded before; inside a transaction.

        Args:
            features: row of the cached features.
            pictures: index of a feature to its file.
        """
        self._connection.execute(PICTURES)
        self._connection.execute("DELETE FROM pictures WHERE features = ?", (features,))
        # A path is bytes to the system, and not always valid text.
        self._connection.executemany(
            "INSERT INTO pictures VALUES (?, ?, ?, ?)",
            [(features, at, *self._encrypted(f"{features} {at}", file)) for at, file in pictures.items()],
        )

    def of(self, features: int) -> dict[int, SourceImage]:
        """Return the recorded files of a group: index of a feature to its file."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").fetchone():
            return {}
        rows = self._connection.execute(
            "SELECT position, path, sha256 FROM pictures WHERE features = ? ORDER BY position", (features,)
        )
        return {at: self._decrypted(f"{features} {at}", path, digest) for at, path, digest in rows.fetchall()}

    def all(self) -> dict[int, dict[int, SourceImage]]:
        """Return all recorded files: row of features to index of a feature to its file."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").fetchone():
            return {}
        rows = self._connection.execute("SELECT DISTINCT features FROM pictures ORDER BY features").fetchall()
        return {features: self.of(features) for (features,) in rows}

    def _encrypted(self, key: str, file: SourceImage) -> tuple[bytes, str]:
        path = self.cipher.encrypt("pictures.path", key, os.fsencode(file.path))
        return path, self.cipher.encrypt_name("pictures.sha256", file.sha256, key)

    def _decrypted(self, key: str, path: object, digest: object) -> SourceImage:
        place = Path(os.fsdecode(self.cipher.decrypt("pictures.path", key, path)))
        return SourceImage(place, self.cipher.decrypt_name("pictures.sha256", digest, key))
