"""Cameras and video files read with OpenCV: V4L2 devices, RTSP streams, files."""

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.addresses import PERCENT_CODES
from edge_tosca.devices.camera.pace import Pace
from edge_tosca.errors import CameraEndedError, CameraError, MissingExtraError, PictureError
from edge_tosca.runtime.picture_bounds import DECODED_PIXEL_LIMIT

TIMEOUT_MS = 5000
"""Milliseconds that a network camera may take to connect, and to send a frame."""

_DEFAULT_FPS = 25.0
_DAMAGED_IN_A_ROW = 100
"""Frames that cannot be decoded before a camera counts as lost, a file as ended."""

_DAMAGED_SECONDS = 1.0
"""The same for a camera: one that answers only after its timeout is lost."""

_DEBUGGING = ("OPENCV_FFMPEG_DEBUG", "OPENCV_FFMPEG_SKIP_LOG_CALLBACK", "OPENCV_VIDEOIO_DEBUG")


class OpenCvCamera:
    """A camera or a video file, read by OpenCV.

    Args:
        capture: an open `cv2.VideoCapture`.
        name: of the camera, for errors.
        pace: timer of a file's frames; None for a camera, which has its own rate.
        loop: start a file again at its end.
    """

    def __init__(self, capture: Any, name: str, pace: Pace | None = None, loop: bool = False) -> None:
        self._cv2 = cv2()
        self._capture = capture
        self._name = name
        self._pace = pace
        self._loop = loop
        self._closed = False
        self._reading = threading.Lock()
        self._decoded = 0
        self._damaged = 0
        self._ahead: NDArray[np.uint8] | None = None

    def read(self) -> NDArray[np.uint8]:
        """Wait for the next frame; see `Camera.read`."""
        if self._pace is not None:
            self._pace.wait()
        with self._reading:
            if self._closed:
                self._capture.release()
                raise CameraError(f"{self._name}: closed")
            pixels = self._next()
            if pixels is None and self._pace is not None:
                if not self._decoded:
                    raise CameraEndedError(f"{self._name}: holds no frame that can be decoded")
                if not self._loop:
                    raise CameraEndedError(f"{self._name}: read to its end")
                self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, 0)
                pixels = self._next()
        if pixels is None:
            raise CameraError(f"{self._name}: delivers no more frames; check its cable, power and network")
        if pixels.shape[0] * pixels.shape[1] > DECODED_PIXEL_LIMIT:
            raise CameraError(
                f"{self._name}: {pixels.shape[1]}x{pixels.shape[0]}: a frame may have "
                f"{DECODED_PIXEL_LIMIT // 10**6} megapixels; set the camera to less"
            )
        self._decoded += 1
        rgb: NDArray[np.uint8] = self._cv2.cvtColor(pixels, self._cv2.COLOR_BGR2RGB)
        return rgb

    def skip(self) -> bool:
        """Wait for the next frame and leave it out; see `SkippingCamera.skip`."""
        # A file has its frames decoded as before: its end and damage are told by reading only.
        if self._pace is not None:
            return False
        with self._reading:
            if self._closed or self._damaged or self._ahead is not None:
                return False
            return bool(self._capture.grab())

    def _next(self) -> NDArray[np.uint8] | None:
        """Read a frame; None at the end. Each damaged frame before it is an error of its own."""
        if not self._damaged and self._ahead is None:
            began = time.monotonic()
            good, self._ahead = self._capture.read()
            # OpenCV has no other sign for a frame that it cannot decode, and goes on after it.
            while not good and self._damaged < _DAMAGED_IN_A_ROW and not self._closed:
                if self._pace is None and time.monotonic() - began > _DAMAGED_SECONDS:
                    break
                self._damaged += 1
                good, self._ahead = self._capture.read()
            if not good:
                self._damaged, self._ahead = 0, None
        if self._damaged:
            self._damaged -= 1
            raise PictureError(f"{self._name}: a frame is damaged; the stream goes on")
        pixels, self._ahead = self._ahead, None
        return pixels

    def close(self) -> None:
        """Release the device as soon as no read is under way; see `Camera.close`."""
        self._closed = True
        if self._pace is not None:
            self._pace.close()
        # Releasing it during a read crashes OpenCV, so the next call of `read` releases it.
        if self._reading.acquire(blocking=False):
            try:
                self._capture.release()
            finally:
                self._reading.release()


def open_device(
    device: int | str, name: str, width: int | None, height: int | None, fps: float | None
) -> OpenCvCamera:
    """Open a V4L2 camera.

    Args:
        device: its index, or its path such as /dev/video0.
        name: of the camera, for errors.
        width: requested width, pixels; None for the camera's own. The camera chooses the nearest it has.
        height: requested height, likewise.
        fps: requested frames a second; None for the camera's own.

    Returns:
        The camera.

    Raises:
        MissingExtraError: OpenCV is not installed.
        CameraError: there is no such camera, or another program uses it.
    """
    from_opencv = cv2()
    # One buffer in the driver, since buffered frames are old.
    settings = [(from_opencv.CAP_PROP_BUFFERSIZE, 1)]
    for property_of, value in (
        (from_opencv.CAP_PROP_FRAME_WIDTH, width),
        (from_opencv.CAP_PROP_FRAME_HEIGHT, height),
        (from_opencv.CAP_PROP_FPS, fps),
    ):
        if value is not None:
            settings.append((property_of, round(value)))
    capture = from_opencv.VideoCapture(device, from_opencv.CAP_V4L2)
    if not capture.isOpened():
        raise CameraError(
            f"{name}: no camera there, or another program uses it; see: v4l2-ctl --list-devices "
            "(and your user must be in the group video)"
        )
    for property_of, value in settings:
        capture.set(property_of, value)
    return OpenCvCamera(capture, name)


def open_network_camera(url: str, name: str, unusual: bool = False) -> OpenCvCamera:
    """Open an RTSP stream.

    Args:
        url: rtsp://...
        name: of the camera for errors, without the password.
        unusual: user or password may have been misread; the error says how to write them.

    Returns:
        The camera.

    Raises:
        MissingExtraError: OpenCV is not installed.
        CameraError: the camera does not answer, or refuses the connection.
    """
    from_opencv = cv2()
    timeouts = (
        from_opencv.CAP_PROP_OPEN_TIMEOUT_MSEC,
        TIMEOUT_MS,
        from_opencv.CAP_PROP_READ_TIMEOUT_MSEC,
        TIMEOUT_MS,
    )
    capture = _open(url, timeouts)
    if capture is None:
        written = f", in which to write {PERCENT_CODES}" if unusual else ""
        raise CameraError(
            f"{name}: does not answer or refuses; check its address, user and password{written}"
        )
    return OpenCvCamera(capture, name)


def open_video(path: Path, fps: float | None, loop: bool) -> OpenCvCamera:
    """Open a video file.

    Args:
        path: of the file.
        fps: frames a second; None for the file's own rate.
        loop: start again at the end of the file.

    Returns:
        The camera.

    Raises:
        MissingExtraError: OpenCV is not installed.
        CameraError: the file is missing or no video.
    """
    if not path.is_file():
        raise CameraError(f"{path}: no such file; name a file of frames")
    capture = _open(str(path), ())
    if capture is None:
        raise CameraError(f"{path}: not a video that OpenCV can read; convert it, or name another")
    own = float(capture.get(cv2().CAP_PROP_FPS))
    rate = fps or (own if 0 < own <= 1000 else _DEFAULT_FPS)
    return OpenCvCamera(capture, path.name, Pace(rate, path.name), loop)


def cv2() -> ModuleType:
    """Import OpenCV and keep it from writing to stderr, where an error is one line.

    Returns:
        The module ``cv2``.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    # OpenCV's FFmpeg reads this once, when it opens its first stream. At any other level it prints addresses.
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    for name in _DEBUGGING:
        os.environ.pop(name, None)
    try:
        import cv2 as module
    except ImportError:
        raise MissingExtraError("opencv-python-headless", "camera") from None
    module.utils.logging.setLogLevel(module.utils.logging.LOG_LEVEL_SILENT)
    return module


def _open(source: str, parameters: Sequence[int]) -> Any | None:
    from_opencv = cv2()
    capture = from_opencv.VideoCapture(source, from_opencv.CAP_FFMPEG, list(parameters))
    return capture if capture.isOpened() else None
