"""A camera that is read over HTTP: motion JPEG, or one picture a request (ESP32-CAM, phones, doorbells)."""

import threading
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from edge_tosca.addresses import Address
from edge_tosca.devices.camera.http_request import HttpAnswer
from edge_tosca.devices.camera.jpeg_splitter import LARGEST_FRAME, JpegSplitter
from edge_tosca.devices.camera.pace import Pace
from edge_tosca.errors import CameraError, PictureError
from edge_tosca.runtime.pictures import load_picture

EVERY_SECONDS = 1.0
"""Between two requests to a camera that gives one picture a request."""

_LEAST_SECONDS, _MOST_SECONDS = 0.05, 86_400.0


class HttpCamera:
    """A camera at an http or https address.

    A camera that answers with multipart/x-mixed-replace is read as a stream; one that answers with a picture
    is asked again and again. The parts are trusted no more than files from outside: their bytes, pixels
    and time are bounded. Redirections are not followed, and certificates are checked.

    Args:
        url: the address; "#every=0.5" at its end sets the seconds between two requests.
        name: of the camera for errors, without the password.

    Raises:
        CameraError: the camera does not answer, refuses, or gives no pictures.
    """

    def __init__(self, url: str, name: str) -> None:
        self._address = Address.parse(url)
        self._name = name
        self._pace = Pace(1 / seconds_of(self._address.rest, name), name)
        self._lock = threading.Lock()
        self._closed = False
        self._answer = HttpAnswer.get(self._address, name)
        self._splitter: JpegSplitter | None = None
        if self._answer.kind == "multipart/x-mixed-replace":
            self._splitter = JpegSplitter(self._answer, name)
        elif not self._answer.kind.startswith("image/"):
            kind = self._answer.kind
            self.close()
            raise CameraError(
                f"{name}: answers with {kind[:60]}, not with pictures; name the address of its stream or of "
                "one picture"
            )

    def read(self) -> NDArray[np.uint8]:
        """Wait for the next frame; see `Camera.read`."""
        data = self._next_picture() if self._splitter is None else self._next_of(self._splitter)
        try:
            return np.asarray(load_picture(data))
        except PictureError as error:
            raise PictureError(f"{self._name}: {str(error).removeprefix(f'{len(data)} bytes: ')}") from None

    def skip(self) -> bool:
        """Wait for the next picture of a stream and leave it out; see `SkippingCamera.skip`."""
        if self._splitter is None:
            return False
        self._next_of(self._splitter)
        return True

    def close(self) -> None:
        """Close the connection; see `Camera.close`."""
        with self._lock:
            self._closed = True
            self._answer.close()
        self._pace.close()

    def _next_of(self, splitter: JpegSplitter) -> bytes:
        self._answer.begin_picture()
        data = splitter.next()
        if data is None:
            raise CameraError(f"{self._name}: gives no more pictures; check its power and network")
        return data

    def _next_picture(self) -> bytes:
        first = self._answer
        self._pace.wait()
        if not first.is_read:
            return first.read(LARGEST_FRAME)
        answer = HttpAnswer.get(self._address, self._name)
        with self._lock:
            if self._closed:
                answer.close()
                raise CameraError(f"{self._name}: closed")
            self._answer = answer
        return answer.read(LARGEST_FRAME)


def seconds_of(rest: str, name: str) -> float:
    """Return the seconds between two requests, from the fragment of an address.

    Args:
        rest: path, query and fragment.
        name: of the camera, for the error.

    Raises:
        CameraError: the fragment is not "every=SECONDS".
    """
    fragment = rest.partition("#")[2]
    if not fragment:
        return EVERY_SECONDS
    options = dict(parse_qsl(fragment, keep_blank_values=True))
    try:
        seconds = float(options.pop("every"))
    except (KeyError, ValueError):
        seconds = 0.0
    if options or not _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
        raise CameraError(
            f"{name}: after # only every=SECONDS is known, from {_LEAST_SECONDS:g} to {_MOST_SECONDS:g}; "
            "in user and password write # as %23"
        )
    return seconds
