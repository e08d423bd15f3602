"""Parse the specification of a camera, and open the camera."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

from edge_tosca.addresses import PERCENT_CODES, Address, redacted
from edge_tosca.devices.camera.folder import WatchedFolder
from edge_tosca.devices.camera.frame import Camera
from edge_tosca.devices.camera.http_camera import HttpCamera, seconds_of
from edge_tosca.devices.camera.mjpeg import JpegFrames
from edge_tosca.devices.camera.opencv import cv2, open_device, open_network_camera, open_video
from edge_tosca.devices.camera.picamera import PiCamera
from edge_tosca.errors import CameraError

JPEG_SUFFIXES = frozenset({".mjpeg", ".mjpg"})
VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"})
DEFAULT_FPS = 15.0

_DEVICE = re.compile(r"(?:/dev/video)?(\d{1,3})")
_PI = re.compile(r"picamera2(?::(\d{1,2}))?")
_KNOWN = (
    "name a camera's number or /dev/videoN, rtsp://..., http(s)://..., picamera2, a folder that pictures are "
    "written to, or a file of frames (.mjpeg, or a video)"
)
Kind = Literal["device", "rtsp", "http", "pi", "folder", "jpegs", "video"]
_OPTIONS: dict[Kind, tuple[str, ...]] = {
    "rtsp": (),
    "http": (),
    "device": ("width", "height", "fps"),
    "pi": ("width", "height", "fps"),
    "folder": (),
    "jpegs": ("fps", "loop"),
    "video": ("fps", "loop"),
}


@dataclass(frozen=True)
class CameraSpec:
    """A parsed specification of a camera.

    Attributes:
        kind: of source.
        where: index, URL or path; a URL may hold a password.
        name: for messages, without anything secret.
        width: requested width, pixels; None for the camera's own.
        height: requested height, pixels; None for the camera's own.
        fps: frames a second; None for the source's own or the default rate.
        loop: start a file again at its end.
        unusual: user or password of a URL may have been meant otherwise than they were read.
    """

    kind: Kind
    where: str = field(repr=False)
    name: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    loop: bool = False
    unusual: bool = False

    @classmethod
    def parse(cls, spec: str) -> "CameraSpec":
        """Parse a specification.

        Args:
            spec: "0", "/dev/video0?width=640&height=480", "rtsp://host/stream", "picamera2:1", a folder, or a
                file as in "frames.mjpeg?fps=15&loop=1".

        Returns:
            The parsed specification. A file or folder exists; whether a camera does is known on opening.

        Raises:
            CameraError: it names no camera, file or folder, or an unknown option.
        """
        if "://" in spec:
            # A question mark is part of the camera's URL.
            address = _network(spec)
            if address.scheme in ("http", "https"):
                seconds_of(address.rest, redacted(spec))
                return cls("http", spec, redacted(spec), unusual=address.unusual)
            return cls("rtsp", address.url(), redacted(spec), unusual=address.unusual or "@" in address.rest)
        where, _, options = spec.partition("?")
        # A path may contain a question mark.
        if options and _exists(Path(spec)):
            where, options = spec, ""
        # An address without its two slashes comes here, too.
        kind, place = _source(where, where if redacted(spec) == spec else redacted(spec))
        return replace(cls(kind, place, where), **_options(kind, where, options))

    def require(self) -> None:
        """Raise if a package that this kind of camera needs is not installed.

        Raises:
            MissingExtraError: OpenCV is needed and not installed.
        """
        if self.kind in ("device", "rtsp", "video"):
            cv2()

    def open(self) -> Camera:
        """Open the camera.

        Returns:
            The camera.

        Raises:
            MissingExtraError: the package that reads it is not installed.
            CameraError: it cannot be opened.
        """
        if self.kind == "rtsp":
            return open_network_camera(self.where, self.name, self.unusual)
        if self.kind == "http":
            return HttpCamera(self.where, self.name)
        if self.kind == "device":
            device = int(self.where) if self.where.isdecimal() else self.where
            return open_device(device, self.name, self.width, self.height, self.fps)
        if self.kind == "pi":
            return PiCamera(int(self.where), self.width, self.height, self.fps)
        if self.kind == "folder":
            return WatchedFolder(Path(self.where))
        if self.kind == "jpegs":
            return JpegFrames(Path(self.where), self.fps or DEFAULT_FPS, self.loop)
        return open_video(Path(self.where), self.fps, self.loop)

    def opener(self) -> Callable[[], Camera]:
        """Return a function that opens the camera, again and again.

        A folder that was lost and is there again gives what is new since.
        """
        if self.kind != "folder":
            return self.open
        last: WatchedFolder | None = None

        def open_folder() -> Camera:
            nonlocal last
            last = WatchedFolder(Path(self.where)) if last is None else WatchedFolder.opened_again(last)
            return last

        return open_folder


def open_camera(spec: str) -> Camera:
    """Open a camera by its specification.

    Args:
        spec: as for `CameraSpec.parse`.

    Returns:
        The camera.

    Raises:
        MissingExtraError: the package that reads it is not installed.
        CameraError: it cannot be opened, or there is no such camera.
    """
    return CameraSpec.parse(spec).open()


def _network(url: str) -> Address:
    example = f"write rtsp://user:password@host:554/path, and in user and password {PERCENT_CODES}"
    try:
        address = Address.parse(url)
    except ValueError as error:
        raise CameraError(f"{redacted(url)}: the camera's address {error}; {example}") from None
    if address.scheme not in ("rtsp", "rtsps", "http", "https"):
        raise CameraError(f"{redacted(url)}: {address.scheme}:// is not supported for cameras; {_KNOWN}")
    return address


def _source(where: str, name: str) -> tuple[Kind, str]:
    if found := _PI.fullmatch(where):
        return "pi", found[1] or "0"
    if found := _DEVICE.fullmatch(where):
        return "device", found[1]
    if where.startswith("/dev/"):
        return "device", where
    path = Path(where)
    if where and _exists(path) and path.is_dir():
        return "folder", where
    suffix = path.suffix.lower()
    if suffix not in JPEG_SUFFIXES | VIDEO_SUFFIXES:
        raise CameraError(f"{name!r}: no such camera; {_KNOWN}")
    if not _exists(path):
        raise CameraError(f"{name}: no such file; {_KNOWN}")
    return "jpegs" if suffix in JPEG_SUFFIXES else "video", where


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # Too long for a name; the error of the system would quote it.
        return False


def _options(kind: Kind, name: str, query: str) -> dict[str, Any]:
    known = _OPTIONS[kind]
    found: dict[str, Any] = {}
    for option, value in parse_qsl(query, keep_blank_values=True):
        if option not in known:
            available = ", ".join(known) or "none"
            raise CameraError(f"{name}: no option {option!r} for this camera; available: {available}")
        try:
            found[option] = _value(option, value)
        except ValueError:
            raise CameraError(
                f"{name}: {option}={value} is not valid; examples: fps=15, loop=1, width=640"
            ) from None
    return found


def _value(option: str, value: str) -> float | int | bool:
    least, most = {"fps": (0.01, 1000), "loop": (0, 1)}.get(option, (16, 10000))
    number = float(value) if option == "fps" else int(value)
    if not least <= number <= most:
        raise ValueError
    return bool(number) if option == "loop" else number
