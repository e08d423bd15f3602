"""One camera of the console: its stream, and the pictures of it and of its regions that pages show."""

import logging
import threading
import time

from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.image_analysis import jpeg_of
from edge_tosca.devices.camera import Frame, Stream
from edge_tosca.errors import PictureError
from edge_tosca.runtime.region import WHOLE, Region

PICTURE_SECONDS = 1 / 15
"""Between two camera pictures that are sent to pages."""

WANTED_SECONDS = 1.0
"""How long pictures are made after a page asked for them; every open page asks again and again."""

_FRAME_WAIT_SECONDS = 0.5

_log = logging.getLogger("edge_tosca.console")


class CameraFeed:
    """Reads one camera, and encodes its newest frame, or a region of it, while a page shows it.

    Attributes:
        name: of the camera.
        stream: its frames.
    """

    def __init__(self, name: str, spec: str) -> None:
        """Create the feed; `start` opens the camera.

        Args:
            name: of the camera.
            spec: its address, which may hold a password.

        Raises:
            CameraError: there is no such camera.
            MissingExtraError: the package that reads it is not installed.
        """
        self.name = name
        self.stream = Stream.of(spec, _log.info)
        self._pictures: dict[Region, Broadcast[bytes]] = {}
        self._wanted: dict[Region, float] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._publish, name="pictures", daemon=True)

    def start(self) -> None:
        """Start to read the camera."""
        self.stream.start()
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and release the camera."""
        self._stop.set()
        self._asked.set()
        self.stream.close()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def newest(self) -> Frame | None:
        """Return the newest frame; None before the first."""
        return self.stream.newest(0, 0.0)

    def pictures(self, region: Region = WHOLE) -> Broadcast[bytes]:
        """Return the newest JPEG of a region, and have it made for another WANTED_SECONDS.

        Args:
            region: of the frame.
        """
        with self._lock:
            self._wanted[region] = time.monotonic() + WANTED_SECONDS
            found = self._pictures.setdefault(region, Broadcast())
        self._asked.set()
        return found

    def _publish(self) -> None:
        number = 0
        while True:
            self._asked.wait()
            if self._stop.is_set():
                return
            began = time.monotonic()
            wanted = self._still_wanted(began)
            frame = self.stream.newest(number, _FRAME_WAIT_SECONDS) if wanted else None
            if frame is None:
                self._stop.wait(0.05)
                continue
            number = frame.number
            for region, broadcast in wanted.items():
                self._encode(frame, region, broadcast)
            self._stop.wait(max(0.0, PICTURE_SECONDS - (time.monotonic() - began)))

    def _still_wanted(self, now: float) -> dict[Region, Broadcast[bytes]]:
        with self._lock:
            for region in [region for region, until in self._wanted.items() if until < now]:
                del self._wanted[region], self._pictures[region]
            if not self._wanted:
                self._asked.clear()
            return dict(self._pictures)

    @staticmethod
    def _encode(frame: Frame, region: Region, broadcast: Broadcast[bytes]) -> None:
        try:
            pixels = region.crop(frame.pixels)
        except PictureError:
            # The live answer says why.
            return
        broadcast.publish(jpeg_of(pixels, max(pixels.shape)))
