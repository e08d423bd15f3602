"""What cameras give, and what is known about one."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a camera.

    Attributes:
        number: counts the frames that the camera gave, from 1; a gap is a frame that was dropped.
        at: when it arrived, in seconds of `time.monotonic`.
        pixels: RGB, uint8 [h, w, 3], read-only: several threads look at it.
    """

    number: int
    at: float
    pixels: NDArray[np.uint8]


class Camera(Protocol):
    """One opened source of frames."""

    def read(self) -> NDArray[np.uint8]:
        """Wait for the next frame.

        Returns:
            Its pixels: RGB, uint8 [h, w, 3].

        Raises:
            PictureError: this one frame cannot be decoded; the camera is still there.
            CameraEndedError: a file of frames was read to its end.
            CameraError: the camera was lost, or closed.
        """
        ...

    def close(self) -> None:
        """Let go of the camera; called from another thread, it ends a read that waits."""
        ...


@dataclass(frozen=True)
class CameraStats:
    """How a stream of frames is doing.

    Attributes:
        connected: the camera is open and gives frames.
        frames: it gave since the stream was started.
        dropped: of them, those that nobody took before the next one came, or that could not be decoded.
        reconnects: times that it was opened again after it was lost.
        fps: frames a second over the last seconds.
        error: why there are no frames, in one line; None while there are.
        width: of the newest frame, pixels; 0 before there is one.
        height: likewise.
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
