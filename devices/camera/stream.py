"""Read a camera continuously: keep its newest frame, and reopen a lost camera."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_tosca.devices.camera.frame import Camera, CameraStats, Frame, SkippingCamera
from edge_tosca.devices.camera.spec import CameraSpec
from edge_tosca.errors import CameraEndedError, PictureError

FIRST_WAIT = 0.5
LONGEST_WAIT = 15.0
"""Seconds before a lost camera is opened again: doubled each time, up to the longest."""

_RATE_FRAMES = 60
_RATE_SECONDS = 5.0
_CLOSING_SECONDS = 10.0


class Stream:
    """Reads a camera in its own thread and holds the newest frame only.

    Args:
        open_camera: opens the camera; called again whenever the camera was lost.
        name: of the camera, for messages.
        on_event: called in the camera's thread with one line when the camera is lost or available again.
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
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._camera: Camera | None = None
        self._frame: Frame | None = None
        self._taken = True
        self._rest_until = 0.0
        self._waiting = 0
        self._frames = self._dropped = self._opened = 0
        self._arrivals: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._error: str | None = None
        self._connected = self._ended = False
        self._listeners: list[Callable[[], object]] = []

    @classmethod
    def of(cls, spec: str, on_event: Callable[[str], None] | None = None) -> Self:
        """Create the stream of a camera from its specification.

        Args:
            spec: as for `open_camera`.
            on_event: as for the class.

        Returns:
            The stream, not started yet.

        Raises:
            CameraError: the specification names no camera, or a file or folder that does not exist.
            MissingExtraError: the package that reads such a camera is not installed.
        """
        camera = CameraSpec.parse(spec)
        camera.require()
        return cls(camera.opener(), camera.name, on_event)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading, release the camera and end all waits for a frame."""
        self._stop.set()
        with self._changed:
            camera = self._camera
            self._changed.notify_all()
        if camera is not None:
            camera.close()
        if self._thread.is_alive():
            # A network camera may block its reader for seconds; the thread is a daemon.
            self._thread.join(_CLOSING_SECONDS)

    def newest(self, after: int = 0, timeout: float | None = None) -> Frame | None:
        """Wait for a newer frame.

        Args:
            after: number of the last frame read; 0 for any frame.
            timeout: seconds; None to wait without a limit.

        Returns:
            The newest frame; None after the timeout, or where the stream was closed or its file has ended.
        """
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._is_newer(after) or self._over, timeout)
            self._waiting -= 1
            if not self._is_newer(after):
                return None
            self._taken = True
            return self._frame

    def on_frame(self, call: Callable[[], object]) -> None:
        """Call a function at every new frame, and when no more will come.

        Args:
            call: called in the camera's thread; it must return at once.
        """
        self._listeners.append(call)

    def rest_until(self, moment: float) -> None:
        """Leave out the frames before a moment, as far as the camera can without decoding them.

        A frame that another thread waits for is not left out.

        Args:
            moment: seconds of `time.monotonic`; one that is past ends the rest.
        """
        self._rest_until = moment

    def stats(self) -> CameraStats:
        """Return the stream's statistics."""
        with self._changed:
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
                with self._changed:
                    # What was wrong with the last frame says more than that no other came.
                    unread = self._error if self._frames else str(error)
                    self._ended, self._error = True, None if self._frame is not None else unread
                    self._changed.notify_all()
                self._wake()
                return
            except Exception as error:
                # A driver's library may raise any exception; the camera is opened again after all of them.
                if self._stop.is_set():
                    return
                self._lost(error)
            # A camera that delivered frames for a while is opened again soon, any other after longer waits.
            if time.monotonic() - began > LONGEST_WAIT:
                wait = FIRST_WAIT
            self._stop.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _read_until_lost(self) -> None:
        camera = self._open()
        try:
            with self._changed:
                self._camera = camera
            while not self._stop.is_set():
                try:
                    if self._rests() and isinstance(camera, SkippingCamera) and camera.skip():
                        self._arrivals.append(time.monotonic())
                        continue
                    pixels = camera.read()
                except PictureError as error:
                    self._skip(error)
                else:
                    self._put(pixels)
        finally:
            with self._changed:
                self._camera, self._connected = None, False
            camera.close()

    def _rests(self) -> bool:
        return self._connected and not self._waiting and time.monotonic() < self._rest_until

    def _put(self, pixels: NDArray[np.uint8]) -> None:
        pixels.flags.writeable = False
        with self._changed:
            self._frames += 1
            self._dropped += not self._taken
            self._frame = Frame(self._frames, time.monotonic(), pixels)
            self._taken = False
            self._arrivals.append(self._frame.at)
            connects, recovers = not self._connected, self._error is not None
            self._connected, self._error = True, None
            self._opened += connects
            self._changed.notify_all()
        self._wake()
        if connects and recovers:
            self._notify(f"{self.name}: {pixels.shape[1]}x{pixels.shape[0]}")

    def _wake(self) -> None:
        for call in self._listeners:
            call()

    def _skip(self, error: PictureError) -> None:
        with self._changed:
            self._frames += 1
            self._dropped += 1
            changed, self._error = self._error != str(error), str(error)
        if changed:
            self._notify(str(error))

    def _lost(self, error: Exception) -> None:
        reason = " ".join(str(error).split()) or type(error).__name__
        with self._changed:
            changed, self._error = self._error != reason, reason
        # The same reason is reported once, however often opening fails.
        if changed:
            self._notify(f"{reason}; trying again")

    def _notify(self, event: str) -> None:
        if self._on_event is not None:
            self._on_event(event)


def rate(times: deque[float], now: float) -> float:
    """Compute the rate of events over the last seconds.

    Args:
        times: of the last events, in seconds of `time.monotonic`.
        now: the current time, likewise.

    Returns:
        Events a second; 0 where there are fewer than two recent events.
    """
    recent = [moment for moment in times if now - moment < _RATE_SECONDS]
    span = recent[-1] - recent[0] if recent else 0.0
    return (len(recent) - 1) / span if span > 0 else 0.0
