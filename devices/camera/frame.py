"""The interface of a camera, its frames, and the statistics of a stream."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a camera.

    Attributes:
        number: of the frame in the stream, from 1; a gap is a dropped frame.
        at: time of arrival, in seconds of `time.monotonic`.
        pixels: RGB, uint8 [h, w, 3], read-only, since several threads share it.
    """

    number: int
    at: float
    pixels: NDArray[np.uint8]


class Camera(Protocol):
    """An open source of frames."""

    def read(self) -> NDArray[np.uint8]:
        """Wait for the next frame.

        Returns:
            Its pixels: RGB, uint8 [h, w, 3].

        Raises:
            PictureError: this frame cannot be decoded; the camera stays open.
            CameraEndedError: a file of frames was read to its end.
            CameraError: the camera was lost or closed.
        """
        ...

    def close(self) -> None:
        """Release the camera; called from another thread, it ends a waiting read."""
        ...


@runtime_checkable
class SkippingCamera(Protocol):
    """A camera that can leave out a frame without decoding it."""

    def skip(self) -> bool:
        """Wait for the next frame and leave it out.

        Returns:
            Whether it was; otherwise `read` says why not, or gives it.

        Raises:
            CameraError: the camera was lost or closed.
        """
        ...


@dataclass(frozen=True)
class CameraStats:
    """Statistics of a stream of frames.

    Attributes:
        connected: the camera is open and delivers frames.
        frames: number of frames since the stream was started.
        dropped: number of frames that were replaced before they were read, or could not be decoded.
        reconnects: how often a lost camera was opened again.
        fps: frames a second over the last seconds.
        error: why there are no frames, in one line; None while there are.
        width: of the newest frame, pixels; 0 before the first.
        height: of the newest frame, pixels; 0 before the first.
        ended: no more frames will come: a file was read to its end, or the stream was closed.
    """

    connected: bool
    frames: int
    dropped: int
    reconnects: int
    fps: float
    error: str | None
    width: int
    height: int
    ended: bool = False
