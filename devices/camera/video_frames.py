"""Single frames of a video file, so many seconds apart, as fast as they can be read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_tosca.devices.camera.jpeg_splitter import JpegSplitter
from edge_tosca.devices.camera.opencv import cv2
from edge_tosca.devices.camera.spec import DEFAULT_FPS, JPEG_SUFFIXES, VIDEO_SUFFIXES
from edge_tosca.errors import CameraError, PictureError
from edge_tosca.runtime.picture_bounds import DECODED_PIXEL_LIMIT
from edge_tosca.runtime.picture_file import first_line
from edge_tosca.system.files import IrregularFileError, open_regular

LARGEST_FILE = 1 << 40
"""Bytes of a video; it is read frame by frame."""

_MISSES_IN_A_ROW = 100
"""Frames that cannot be read before a video counts as ended: OpenCV has one sign for both."""


def is_video(path: Path) -> bool:
    """Return whether a path names a video file or a file of frames, by its suffix.

    Args:
        path: that a user named.
    """
    return path.suffix.lower() in VIDEO_SUFFIXES | JPEG_SUFFIXES and path.is_file()


def frames_every(path: Path, seconds: float) -> Iterator[tuple[float, NDArray[np.uint8] | bytes]]:
    """Read the first frame of a video, and then one in so many seconds.

    Args:
        path: of a video, or of a file of JPEG frames (.mjpeg), which counts as 15 frames a second.
        seconds: between two frames, above 0.

    Yields:
        Seconds from the beginning of the video, and the frame: RGB, uint8 [h, w, 3], or the content of a JPEG
        file.

    Raises:
        CameraError: the file cannot be opened, is no video, or has no frame that can be decoded.
        PictureError: its frames are too large.
        MissingExtraError: it takes OpenCV, which is not installed.
    """
    due = 0.0
    for at, frame in _jpegs(path) if path.suffix.lower() in JPEG_SUFFIXES else _decoded(path, seconds):
        if at >= due:
            yield at, frame
            due = (at // seconds + 1) * seconds


def _jpegs(path: Path) -> Iterator[tuple[float, bytes]]:
    try:
        opened = open_regular(path, LARGEST_FILE)
    except (OSError, IrregularFileError) as error:
        raise CameraError(f"{path}: {first_line(error)}; name a file of frames") from None
    with opened as file:
        splitter = JpegSplitter(file, path.name)
        while (data := splitter.next()) is not None:
            yield (splitter.found - 1) / DEFAULT_FPS, data
        if not splitter.found:
            raise CameraError(f"{path}: holds no JPEG frame; name a file of frames")


def _decoded(path: Path, seconds: float) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    opencv = cv2()
    # An absolute path cannot be taken for one of FFmpeg's protocols.
    capture = opencv.VideoCapture(str(path.absolute()), opencv.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise CameraError(f"{path}: not a video that OpenCV can read; convert it, or name another")
        rate = float(capture.get(opencv.CAP_PROP_FPS))
        rate = rate if 0 < rate <= 1000 else DEFAULT_FPS
        number, misses, due, found = 0, 0, 0.0, False
        while misses < _MISSES_IN_A_ROW:
            if not capture.grab():
                misses += 1
                continue
            misses = 0
            # The file's own time, where it states one: frames need not be equally far apart.
            at = float(capture.get(opencv.CAP_PROP_POS_MSEC)) / 1000 or number / rate
            number += 1
            if at < due:
                continue
            good, pixels = capture.retrieve()
            if not good:
                continue
            if pixels.shape[0] * pixels.shape[1] > DECODED_PIXEL_LIMIT:
                most = DECODED_PIXEL_LIMIT // 10**6
                raise PictureError(f"{path}: its frames have over {most} megapixels; scale it down")
            found, due = True, (at // seconds + 1) * seconds
            yield at, opencv.cvtColor(pixels, opencv.COLOR_BGR2RGB)
        if not found:
            raise CameraError(f"{path}: holds no frame that can be decoded; convert it, or name another")
    finally:
        capture.release()
