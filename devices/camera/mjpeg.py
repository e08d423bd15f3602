"""A file of frames: concatenated JPEG pictures (.mjpeg), read with Pillow alone."""

import os
import stat
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_tosca.devices.camera.jpeg_splitter import JpegSplitter
from edge_tosca.devices.camera.pace import Pace
from edge_tosca.errors import CameraEndedError, CameraError, PictureError
from edge_tosca.runtime.pictures import load_picture


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
        data = self._next()
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

    def skip(self) -> bool:
        """Wait until the next frame is due, and leave it out; see `SkippingCamera.skip`."""
        # At the end of the file, `read` says so: the splitter then gives no frame again.
        return self._next() is not None

    def _next(self) -> bytes | None:
        """Wait for the next frame and return its file; None at the end."""
        self._pace.wait()
        with self._reading:
            if self._file.closed:
                raise CameraError(f"{self._name}: closed")
            data = self._splitter.next()
            if data is None and self._loop and self._splitter.found:
                self._file.seek(0)
                self._splitter = JpegSplitter(self._file, self._name)
                data = self._splitter.next()
        return data

    def close(self) -> None:
        """Close the file; see `Camera.close`."""
        self._pace.close()
        with self._reading:
            self._file.close()
