"""A file of frames: JPEG pictures one after the other (.mjpeg), read with Pillow alone."""

import os
import re
import stat
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from edge_tosca.devices.camera.pace import Pace
from edge_tosca.errors import CameraEndedError, CameraError, PictureError
from edge_tosca.runtime.pictures import load_picture

LARGEST_FRAME = 32 << 20
"""Bytes of one JPEG; a file whose frame does not end before is no file of frames."""

_START = b"\xff\xd8"
_SCAN, _END = 0xDA, 0xD9
# In a scan, FF 00 is data, and FF D0 .. FF D7 are restart marks; FF FF is padding before a marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_CHUNK = 1 << 16


class JpegFrames:
    """Reads one JPEG after the other, at a camera's rate.

    Args:
        path: of the file.
        fps: frames a second.
        loop: begin again at its end.

    Raises:
        CameraError: the file is missing, or not a regular file.
    """

    def __init__(self, path: Path, fps: float, loop: bool) -> None:
        self._name = path.name
        try:
            # Opening a pipe would wait for a writer; what it is, is looked at through the open file.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise CameraError(
                f"{path}: {(error.strerror or str(error)).lower()}; name a file of frames"
            ) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CameraError(f"{path}: not a regular file; name a file of frames")
        self._file = os.fdopen(descriptor, "rb")
        self._splitter = JpegSplitter(self._file, self._name)
        self._loop = loop
        self._pace = Pace(fps, self._name)
        self._reading = threading.Lock()

    def read(self) -> NDArray[np.uint8]:
        """Wait until the next frame is due, and decode it; see `Camera.read`."""
        self._pace.wait()
        with self._reading:
            if self._file.closed:
                raise CameraError(f"{self._name}: closed")
            data = self._splitter.next()
            if data is None and self._loop and self._splitter.found:
                self._file.seek(0)
                self._splitter = JpegSplitter(self._file, self._name)
                data = self._splitter.next()
        if data is None:
            if self._loop:
                # What writes the file may be about to fill it again, as a camera comes back.
                raise CameraError(f"{self._name}: holds no JPEG frame; name a file of frames")
            if not self._splitter.found:
                raise CameraEndedError(f"{self._name}: holds no JPEG frame; name a file of frames")
            raise CameraEndedError(f"{self._name}: read to its end")
        try:
            return np.asarray(load_picture(data))
        except PictureError as error:
            raise PictureError(f"{self._name}, frame {self._splitter.found}: {error}") from None

    def close(self) -> None:
        """Close the file; see `Camera.close`."""
        self._pace.close()
        with self._reading:
            self._file.close()


class JpegSplitter:
    """Finds where JPEG pictures begin and end in a stream of bytes, and holds one of them.

    Whatever stands between two pictures, such as a multipart boundary, is skipped.

    Args:
        file: open for reading.
        name: how errors call it.

    Attributes:
        found: pictures so far.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._held = bytearray()
        self.found = 0

    def next(self) -> bytes | None:
        """Give the next picture's bytes.

        Returns:
            From its first marker to its last; what there is of one that the file breaks off in; None at the
            file's end.

        Raises:
            CameraError: the picture does not end within `LARGEST_FRAME` bytes.
        """
        while (start := self._held.find(_START)) < 0:
            # The last byte may be the first half of a marker.
            del self._held[:-1]
            if not self._more():
                return None
        del self._held[:start]
        self.found += 1
        end = self._end()
        picture = bytes(self._held[:end])
        del self._held[:end]
        return picture

    def _end(self) -> int:
        place = len(_START)
        while self._have(place + 4):
            if self._held[place] != 0xFF:
                # No marker where one has to be: damaged, and what follows is searched for the next picture.
                return place
            marker = self._held[place + 1]
            if marker == 0xFF:
                place += 1
            elif marker == _END:
                return place + 2
            else:
                place += 2 + int.from_bytes(self._held[place + 2 : place + 4], "big")
                if marker == _SCAN:
                    place = self._after_scan(place)
        # An end marker may be the last two bytes of all.
        tail = self._held[place : place + 2] == bytes((0xFF, _END))
        return place + 2 if tail else len(self._held)

    def _after_scan(self, place: int) -> int:
        while True:
            found = _NEXT_MARKER.search(self._held, place)
            if found is not None:
                return found.start()
            place = max(place, len(self._held) - 1)
            if not self._more():
                return len(self._held)

    def _have(self, count: int) -> bool:
        while len(self._held) < count:
            if not self._more():
                return False
        return True

    def _more(self) -> bool:
        if len(self._held) > LARGEST_FRAME:
            raise CameraError(
                f"{self._name}: a frame of over {LARGEST_FRAME >> 20} MB; this is no file of frames"
            )
        chunk = self._file.read(_CHUNK)
        self._held += chunk
        return bool(chunk)
