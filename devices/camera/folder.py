"""A folder into which another program writes pictures; the newest one is the frame."""

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

POLLING_SECONDS = 0.1
"""Seconds between two scans of the folder; more where a scan takes long, as with very many pictures."""

WRITING_SECONDS = 3.0
"""Seconds without a change after which an unreadable picture counts as damaged, not as half written."""


class _FileState(NamedTuple):
    """State of a picture's file; the newest one compares as the largest."""

    modified: int
    name: str
    size: int


class WatchedFolder:
    """A camera whose next frame is the newest picture in a folder, once it is newer than the last frame.

    The newest picture that exists already is the first frame. An overwritten picture counts as new.

    Args:
        path: of the folder; subfolders are ignored.

    Raises:
        CameraError: the folder is missing, or is no folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: _FileState | None = None
        self._closed = threading.Event()
        self._scan()

    def read(self) -> NDArray[np.uint8]:
        """Wait for a new picture and decode it; see `Camera.read`."""
        waiting_for: _FileState | None = None
        since = 0.0
        while True:
            start = time.monotonic()
            newest = self._scan()
            took = time.monotonic() - start
            if newest is not None and newest != self._last:
                if newest != waiting_for:
                    waiting_for, since = newest, start
                try:
                    pixels = np.asarray(load_picture(self._path / newest.name))
                except PictureError:
                    if start - since > WRITING_SECONDS:
                        self._last = newest
                        raise
                else:
                    self._last = newest
                    return pixels
            if self._closed.wait(max(POLLING_SECONDS, 4 * took)):
                raise CameraError(f"{self._path}: closed")

    def close(self) -> None:
        """End a waiting read; see `Camera.close`."""
        self._closed.set()

    def _scan(self) -> _FileState | None:
        newest: _FileState | None = None
        try:
            with os.scandir(self._path) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or Path(entry.name).suffix.lower() not in PICTURE_SUFFIXES:
                        continue
                    try:
                        status = entry.stat()
                    except FileNotFoundError:
                        continue
                    state = _FileState(status.st_mtime_ns, entry.name, status.st_size)
                    if newest is None or state > newest:
                        newest = state
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CameraError(f"{self._path}: {reason}; name a folder that pictures are written to") from None
        return newest
