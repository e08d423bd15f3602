"""A file of frames: concatenated JPEG pictures (.mjpeg), read with Pillow alone."""

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
"""Largest size of one JPEG in bytes; a file with a larger frame is no file of frames."""

_START = b"\xff\xd8"
_SCAN, _END = 0xDA, 0xD9
# In a scan, FF 00 is data and FF D0 to FF D7 are restart markers; FF FF is fill before a marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_CHUNK = 1 << 16


class JpegFrames:
    """A camera that reads the JPEG pictures of a file in turn, at a given rate.

    Args:
        path: of the file.
        fps: frames a second.
        loop: start again at the end of the file.

    Raises:
        CameraError: the file is missing, or not a regular file.
    """

    def __init__(self, path: Path, fps: float, loop: bool) -> None:
        self._name = path.name
        try:
            # Opening a pipe would wait for a writer; the type is checked on the open file.
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
                # The program that writes the file may fill it again, so the stream must retry.
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
    """Splits a stream of bytes into JPEG pictures, holding one of them in memory.

    Bytes between two pictures, such as a multipart boundary, are skipped.

    Args:
        file: open for reading.
        name: of the file, for errors.

    Attributes:
        found: number of pictures so far.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._buffer = bytearray()
        self.found = 0

    def next(self) -> bytes | None:
        """Return the next picture's bytes.

        Returns:
            From its first marker to its last; a truncated picture at the end of a truncated file; None after
            the last picture.

        Raises:
            CameraError: the picture does not end within `LARGEST_FRAME` bytes.
        """
        while (start := self._buffer.find(_START)) < 0:
            # The last byte may be the first half of a marker.
            del self._buffer[:-1]
            if not self._fill():
                return None
        del self._buffer[:start]
        self.found += 1
        end = self._end()
        picture = bytes(self._buffer[:end])
        del self._buffer[:end]
        return picture

    def _end(self) -> int:
        place = len(_START)
        while self._has(place + 4):
            if self._buffer[place] != 0xFF:
                # A marker is missing, so the picture is damaged; the next one is searched from here.
                return place
            marker = self._buffer[place + 1]
            if marker == 0xFF:
                place += 1
            elif marker == _END:
                return place + 2
            else:
                place += 2 + int.from_bytes(self._buffer[place + 2 : place + 4], "big")
                if marker == _SCAN:
                    place = self._after_scan(place)
        # An end marker may be the last two bytes of the file.
        tail = self._buffer[place : place + 2] == bytes((0xFF, _END))
        return place + 2 if tail else len(self._buffer)

    def _after_scan(self, place: int) -> int:
        while True:
            found = _NEXT_MARKER.search(self._buffer, place)
            if found is not None:
                return found.start()
            place = max(place, len(self._buffer) - 1)
            if not self._fill():
                return len(self._buffer)

    def _has(self, count: int) -> bool:
        while len(self._buffer) < count:
            if not self._fill():
                return False
        return True

    def _fill(self) -> bool:
        if len(self._buffer) > LARGEST_FRAME:
            raise CameraError(
                f"{self._name}: a frame of over {LARGEST_FRAME >> 20} MB; this is no file of frames"
            )
        chunk = self._file.read(_CHUNK)
        self._buffer += chunk
        return bool(chunk)
