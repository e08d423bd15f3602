"""A camera that is read all the time: the newest frame wins, and a lost camera is opened again."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_tosca.devices.camera.frame import Camera, CameraStats, Frame
from edge_tosca.devices.camera.spec import CameraSpec
from edge_tosca.errors import CameraEndedError, PictureError

FIRST_WAIT = 0.5
LONGEST_WAIT = 15.0
"""Seconds before a lost camera is opened again: twice as long each time, up to the longest."""

_RATE_FRAMES = 60
_RATE_SECONDS = 5.0
_CLOSING_SECONDS = 10.0


class Stream:
    """Reads a camera in a thread of its own and holds its newest frame, never more than one.

    Args:
        open_camera: opens the camera; called again whenever it was lost.
        name: how messages call it.
        on_event: told, in one line and from the camera's thread, when the camera is lost and when it is back.
    """

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        name: str = "camera",
        on_event: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._open = open_camera
        self._on_event = on_event
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._camera: Camera | None = None
        self._frame: Frame | None = None
        self._taken = True
        self._frames = self._dropped = self._opened = 0
        self._arrivals: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._error: str | None = None
        self._connected = self._ended = False

    @classmethod
    def of(cls, spec: str, on_event: Callable[[str], None] | None = None) -> Self:
        """Make the stream of a camera that is named as on the command line.

        Args:
            spec: as for `open_camera`.
            on_event: as for the class.

        Returns:
            The stream, not started yet.

        Raises:
            CameraError: the spec names no camera, or a file or folder that is not there.
            MissingExtraError: what reads such a camera is not installed.
        """
        camera = CameraSpec.parse(spec)
        camera.require()
        return cls(camera.open, camera.name, on_event)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading, let go of the camera and wake whoever waits for a frame."""
        self._stop.set()
        with self._news:
            camera = self._camera
            self._news.notify_all()
        if camera is not None:
            camera.close()
        if self._thread.is_alive():
            # A network camera may leave its reader waiting for seconds; the thread is a daemon.
            self._thread.join(_CLOSING_SECONDS)

    def newest(self, after: int = 0, timeout: float | None = None) -> Frame | None:
        """Wait for a frame that is newer than one already seen.

        Args:
            after: number of the frame already seen; 0 for any.
            timeout: seconds; None to wait for as long as it takes.

        Returns:
            The newest frame; None when none came in time, the stream was closed, or its file has ended.
        """
        with self._news:
            self._news.wait_for(lambda: self._is_newer(after) or self._over, timeout)
            if not self._is_newer(after):
                return None
            self._taken = True
            return self._frame

    def account(self) -> CameraStats:
        """Tell how the stream is doing."""
        with self._news:
            height, width = (0, 0) if self._frame is None else self._frame.pixels.shape[:2]
            return CameraStats(
                connected=self._connected,
                frames=self._frames,
                dropped=self._dropped,
                reconnects=max(0, self._opened - 1),
                fps=rate(self._arrivals, time.monotonic()),
                error=self._error,
                width=int(width),
                height=int(height),
                ended=self._over,
            )

    @property
    def _over(self) -> bool:
        return self._ended or self._stop.is_set()

    def _is_newer(self, after: int) -> bool:
        return self._frame is not None and self._frame.number > after

    def _run(self) -> None:
        wait = FIRST_WAIT
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._read_until_lost()
            except CameraEndedError as error:
                with self._news:
                    self._ended, self._error = True, None if self._frames else str(error)
                    self._news.notify_all()
                return
            except Exception as error:
                # Whatever a driver's library raises, the box goes on and tries again.
                if self._stop.is_set():
                    return
                self._lost(error)
            # A camera that gave frames for a while is opened again at once; one that does not is left alone.
            if time.monotonic() - began > LONGEST_WAIT:
                wait = FIRST_WAIT
            self._stop.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _read_until_lost(self) -> None:
        camera = self._open()
        try:
            with self._news:
                self._camera = camera
            while not self._stop.is_set():
                try:
                    pixels = camera.read()
                except PictureError as error:
                    self._skip(error)
                else:
                    self._give(pixels)
        finally:
            with self._news:
                self._camera, self._connected = None, False
            camera.close()

    def _give(self, pixels: NDArray[np.uint8]) -> None:
        pixels.flags.writeable = False
        with self._news:
            self._frames += 1
            self._dropped += not self._taken
            self._frame = Frame(self._frames, time.monotonic(), pixels)
            self._taken = False
            self._arrivals.append(self._frame.at)
            came, again = not self._connected, self._error is not None
            self._connected, self._error = True, None
            self._opened += came
            self._news.notify_all()
        if came and again:
            self._tell(f"{self.name}: {pixels.shape[1]}x{pixels.shape[0]}")

    def _skip(self, error: PictureError) -> None:
        with self._news:
            self._frames += 1
            self._dropped += 1
            news, self._error = self._error != str(error), str(error)
        if news:
            self._tell(str(error))

    def _lost(self, error: Exception) -> None:
        reason = " ".join(str(error).split()) or type(error).__name__
        with self._news:
            news, self._error = self._error != reason, reason
        # The same words once, however often it is tried.
        if news:
            self._tell(f"{reason}; trying again")

    def _tell(self, event: str) -> None:
        if self._on_event is not None:
            self._on_event(event)


def rate(times: deque[float], now: float) -> float:
    """Count events a second over the last seconds.

    Args:
        times: when the last of them were, in seconds.
        now: likewise.

    Returns:
        Events a second; 0 where there were none lately.
    """
    recent = [moment for moment in times if now - moment < _RATE_SECONDS]
    span = recent[-1] - recent[0] if recent else 0.0
    return (len(recent) - 1) / span if span > 0 else 0.0
