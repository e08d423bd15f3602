"""Pace the frames of a file at a camera's rate."""

import threading
import time

from edge_tosca.errors import CameraError


class Pace:
    """A timer that waits until the next frame is due, or until it is closed.

    Args:
        fps: frames a second.
        name: of the camera, for the error on closing.
    """

    def __init__(self, fps: float, name: str) -> None:
        self._interval = 1 / fps
        self._name = name
        self._due = 0.0
        self._closed = threading.Event()

    def wait(self) -> None:
        """Wait until the next frame is due.

        Raises:
            CameraError: the timer was closed.
        """
        now = time.monotonic()
        # A slow reader does not catch up, as with a camera, which does not deliver frames faster either.
        self._due = max(self._due + self._interval, now)
        if self._closed.wait(self._due - now):
            raise CameraError(f"{self._name}: closed")

    def close(self) -> None:
        """End the current wait and all later ones."""
        self._closed.set()
