"""Give the frames of a file at a camera's rate."""

import threading
import time

from edge_tosca.errors import CameraError


class Pace:
    """Waits until the next frame is due, or until it is closed.

    Args:
        fps: frames a second.
        name: of the camera, for the error that ends a wait.
    """

    def __init__(self, fps: float, name: str) -> None:
        self._interval = 1 / fps
        self._name = name
        self._due = 0.0
        self._closed = threading.Event()

    def wait(self) -> None:
        """Wait for the next frame's time.

        Raises:
            CameraError: it was closed.
        """
        now = time.monotonic()
        # Whoever falls behind is not made to catch up: a camera does not give its frames faster either.
        self._due = max(self._due + self._interval, now)
        if self._closed.wait(self._due - now):
            raise CameraError(f"{self._name}: closed")

    def close(self) -> None:
        """End the wait, and every later one."""
        self._closed.set()
