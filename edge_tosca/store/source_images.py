"""The files that a class was learned from, remembered only where somebody asked for it."""

import hashlib
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.arrays import Array
from edge_tosca.digests import pictures_digest, row_digests
from edge_tosca.store.crypto.row_cipher import CLEAR, Clear
from edge_tosca.store.schema import PICTURES
from edge_tosca.system.files import IrregularFileError, open_regular

_MOST_BYTES = 1 << 30
"""Of a file that is looked at; pictures are smaller."""


@dataclass(frozen=True)
class Remembered:
    """A picture's file.

    Attributes:
        path: where it lay, absolute.
        sha256: of its bytes (hex): another picture of the same name is another picture.
    """

    path: Path
    sha256: str


def remembered(source: object) -> Remembered | None:
    """Take down a picture's file.

    Args:
        source: what was learned from.

    Returns:
        Its place and digest; None for what was no file, or is none any more.
    """
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(os.fsdecode(source)).absolute()
    digest = digest_of_file(path)
    return None if digest is None else Remembered(path, digest)


def digest_of_file(path: Path) -> str | None:
    """Give the sha256 (hex) of a file's bytes; None where it cannot be read, or can be no picture."""
    try:
        with open_regular(path, _MOST_BYTES) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, IrregularFileError):
        return None


def digest_of_pictures(sources: Sequence[object], features: Array) -> str:
    """Give one digest for what a class was learned from, for the history.

    Args:
        sources: the pictures.
        features: of each, [n, d], which stand in for what was no file.

    Returns:
        See `edge_tosca.digests.pictures_digest`.
    """
    files = [digest_of_source(source) for source in sources]
    stand_ins = row_digests(features)
    return pictures_digest([file or row for file, row in zip(files, stand_ins, strict=True)])


def digest_of_source(source: object) -> str | None:
    """Give the sha256 (hex) of a picture's file; None for what is none, such as pixels."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    if isinstance(source, str | os.PathLike):
        return digest_of_file(Path(os.fsdecode(source)))
    return None


class RememberedPictures:
    """The rows of a store that say which files its features were computed from.

    The table is made with its first row, so that a store that remembers nothing has no place for it.
    """

    def __init__(self, connection: sqlite3.Connection, cipher: Clear = CLEAR) -> None:
        self._connection = connection
        self.cipher = cipher

    def put(self, features: int, pictures: Mapping[int, Remembered]) -> None:
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

    def of(self, features: int) -> dict[int, Remembered]:
        """Give what is remembered of a group: index of a feature to its file."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").fetchone():
            return {}
        rows = self._connection.execute(
            "SELECT position, path, sha256 FROM pictures WHERE features = ? ORDER BY position", (features,)
        )
        return {at: self._read(f"{features} {at}", path, digest) for at, path, digest in rows.fetchall()}

    def all(self) -> dict[int, dict[int, Remembered]]:
        """Give what is remembered, by row of features."""
        if not self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").fetchone():
            return {}
        rows = self._connection.execute("SELECT DISTINCT features FROM pictures ORDER BY features").fetchall()
        return {features: self.of(features) for (features,) in rows}

    def _filed(self, key: str, file: Remembered) -> tuple[bytes, str]:
        path = self.cipher.seal("pictures.path", key, os.fsencode(file.path))
        return path, self.cipher.hide("pictures.sha256", file.sha256, key)

    def _read(self, key: str, path: object, digest: object) -> Remembered:
        place = Path(os.fsdecode(self.cipher.open("pictures.path", key, path)))
        return Remembered(place, self.cipher.reveal("pictures.sha256", digest, key))


def remember_all(sources: Mapping[str, Sequence[object]]) -> dict[str, dict[int, Remembered]]:
    """Take down the files of a lesson.

    Args:
        sources: label to what was learned from, in the order of the features.

    Returns:
        Label to index to file; what was no file is left out.
    """
    found = {label: enumerate(map(remembered, items)) for label, items in sources.items()}
    return {label: {at: file for at, file in files if file is not None} for label, files in found.items()}
