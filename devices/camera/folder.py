"""A folder that another program puts pictures into; the newest one is the frame."""

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import CameraError, PictureError
from edge_tosca.runtime.picture_folders import PICTURE_SUFFIXES
from edge_tosca.runtime.pictures import load_picture

LOOKING_SECONDS = 0.1
"""Between two looks at the folder; longer where looking takes long, as among very many pictures."""

WRITING_SECONDS = 3.0
"""A picture that cannot be read and does not change for so long is damaged, not half written."""


class _Seen(NamedTuple):
    """A picture's file at one moment; the newest is the largest."""

    modified: int
    name: str
    size: int


class WatchedFolder:
    """Gives the newest picture of a folder when there is a newer one than before.

    The newest picture that is there already is the first frame. Pictures that are written over count as new.

    Args:
        path: of the folder; folders within it are not looked into.

    Raises:
        CameraError: it is missing, or not a folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given: _Seen | None = None
        self._closed = threading.Event()
        self._look()

    def read(self) -> NDArray[np.uint8]:
        """Wait for a new picture and decode it; see `Camera.read`."""
        waiting_for: _Seen | None = None
        since = 0.0
        while True:
            start = time.monotonic()
            newest = self._look()
            took = time.monotonic() - start
            if newest is not None and newest != self._given:
                if newest != waiting_for:
                    waiting_for, since = newest, start
                try:
                    pixels = np.asarray(load_picture(self._path / newest.name))
                except PictureError:
                    if start - since > WRITING_SECONDS:
                        self._given = newest
                        raise
                else:
                    self._given = newest
                    return pixels
            if self._closed.wait(max(LOOKING_SECONDS, 4 * took)):
                raise CameraError(f"{self._path}: closed")

    def close(self) -> None:
        """End a read that waits; see `Camera.close`."""
        self._closed.set()

    def _look(self) -> _Seen | None:
        newest: _Seen | None = None
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in PICTURE_SUFFIXES:
                        continue
                    try:
                        status = entry.stat()
                    except FileNotFoundError:
                        continue
                    seen = _Seen(status.st_mtime_ns, entry.name, status.st_size)
                    if newest is None or seen > newest:
                        newest = seen
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CameraError(f"{self._path}: {reason}; name a folder that pictures come into") from None
        return newest
