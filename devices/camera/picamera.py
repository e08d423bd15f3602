"""A Raspberry Pi camera, read with the system's picamera2."""

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import CameraError

DEFAULT_SIZE = (640, 480)


class PiCamera:
    """A camera at a Raspberry Pi's CSI connector.

    picamera2 comes with Raspberry Pi OS (python3-picamera2), not from PyPI, since it needs the system's
    libcamera.

    Args:
        index: of the camera, from 0.
        width: of the frames, pixels; None for `DEFAULT_SIZE`.
        height: of the frames, pixels; None for `DEFAULT_SIZE`.
        fps: frames a second; None for the camera's own rate.

    Raises:
        CameraError: the system has no picamera2, or there is no such camera.
    """

    def __init__(self, index: int, width: int | None, height: int | None, fps: float | None) -> None:
        self._name = f"picamera2:{index}"
        self._closed = False
        self._reading = threading.Lock()
        try:
            from picamera2 import Picamera2
        except ImportError:
            raise CameraError(
                "picamera2 is not installed; this needs: sudo apt install python3-picamera2, and an "
                "environment made with --system-site-packages"
            ) from None
        try:
            self._camera: Any = Picamera2(index)
            # The name is the order of the bytes in a word: BGR888 is red, green, blue in an array.
            size = (width or DEFAULT_SIZE[0], height or DEFAULT_SIZE[1])
            controls = {} if fps is None else {"FrameRate": fps}
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": size, "format": "BGR888"}, controls=controls, buffer_count=2
                )
            )
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            raise CameraError(
                f"{self._name}: {_first_line(error)}; see: rpicam-hello --list-cameras"
            ) from None

    def read(self) -> NDArray[np.uint8]:
        """Wait for the next frame; see `Camera.read`."""
        with self._reading:
            if self._closed:
                raise CameraError(f"{self._name}: closed")
            try:
                pixels: NDArray[np.uint8] = self._camera.capture_array("main")
            except (RuntimeError, OSError) as error:
                raise CameraError(f"{self._name}: {_first_line(error)}; check the camera's cable") from None
        return pixels

    def close(self) -> None:
        """Stop the camera after a running read; see `Camera.close`."""
        self._closed = True
        with self._reading:
            self._camera.close()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
