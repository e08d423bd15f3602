"""Cameras of this device: V4L2 devices with their formats, and Raspberry Pi cameras.

Source: linux/videodev2.h: VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT and VIDIOC_ENUM_FRAMESIZES.
"""

import contextlib
import fcntl
import os
import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_tosca.errors import printable

_CLASS = Path("/sys/class/video4linux")
_DEVICES = Path("/dev")

_QUERYCAP, _ENUM_FMT, _ENUM_FRAMESIZES = 0x80685600, 0xC0405602, 0xC02C564A
_CAPTURE, _HAS_DEVICE_CAPS = 0x00000001, 0x80000000
_VIDEO_CAPTURE, _DISCRETE = 1, 1
_CAPABILITY = struct.Struct("<16s32s32sIII12x")
_FORMAT = struct.Struct("<III32s4s16x")
_SIZE = struct.Struct("<I4sI6I8x")
_MOST = 64

Ioctl = Callable[[int, int, bytearray], object]
"""Fills a structure; raises OSError where there is no further entry."""


@dataclass(frozen=True)
class PixelFormat:
    """A format of a camera's pictures.

    Attributes:
        name: four characters, as in MJPG.
        sizes: width and height in pixels; empty where the camera takes any.
    """

    name: str
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class FoundCamera:
    """A camera of this device.

    Attributes:
        camera: the word after --camera.
        name: as the driver calls it.
        device: path of the device; "" for a Raspberry Pi camera.
        formats: of its pictures; empty where they cannot be asked for.
        note: why they cannot; "" where they can.
    """

    camera: str
    name: str
    device: str
    formats: tuple[PixelFormat, ...] = ()
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the camera as plain values."""
        return asdict(self)


def find_cameras(
    folder: Path = _CLASS, devices: Path = _DEVICES, ioctl: Ioctl | None = None
) -> list[FoundCamera]:
    """List the cameras of this device; no picture is taken.

    Args:
        folder: of the system's video devices.
        devices: where their files are.
        ioctl: asks a device; the system's by default.
    """
    found = list(_v4l2_cameras(folder, devices, ioctl or fcntl.ioctl))
    return [*found, *_pi_cameras()]


def _v4l2_cameras(folder: Path, devices: Path, ioctl: Ioctl) -> Iterator[FoundCamera]:
    names = [entry.name for entry in folder.glob("video*")] if folder.is_dir() else []
    numbered = sorted((int(found[1]), name) for name in names if (found := re.fullmatch(r"video(\d+)", name)))
    for number, name in numbered:
        title, device = _text(folder / name / "name"), devices / name
        try:
            handle = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            yield FoundCamera(str(number), title, str(device), (), "your user must be in the group video")
            continue
        except OSError as error:
            yield FoundCamera(str(number), title, str(device), (), (error.strerror or str(error)).lower())
            continue
        try:
            # A webcam has a second device for metadata, and others encode or give nothing.
            if _captures(handle, ioctl):
                yield FoundCamera(str(number), title, str(device), tuple(_formats(handle, ioctl)))
        finally:
            os.close(handle)


def _captures(handle: int, ioctl: Ioctl) -> bool:
    buffer = bytearray(_CAPABILITY.size)
    try:
        ioctl(handle, _QUERYCAP, buffer)
    except OSError:
        return False
    *_, everything, of_this = _CAPABILITY.unpack(buffer)
    return bool((of_this if everything & _HAS_DEVICE_CAPS else everything) & _CAPTURE)


def _formats(handle: int, ioctl: Ioctl) -> Iterator[PixelFormat]:
    for index in range(_MOST):
        buffer = bytearray(_FORMAT.pack(index, _VIDEO_CAPTURE, 0, b"", b""))
        try:
            ioctl(handle, _ENUM_FMT, buffer)
        except OSError:
            return
        code = _FORMAT.unpack(buffer)[4]
        yield PixelFormat(
            printable(code.decode("ascii", "replace")).strip(), tuple(_sizes(handle, code, ioctl))
        )


def _sizes(handle: int, code: bytes, ioctl: Ioctl) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        buffer = bytearray(_SIZE.pack(index, code, 0, *[0] * 6))
        try:
            ioctl(handle, _ENUM_FRAMESIZES, buffer)
        except OSError:
            return
        _, _, kind, width, height, *_ = _SIZE.unpack(buffer)
        if kind != _DISCRETE:
            return
        yield width, height


def _pi_cameras() -> Iterator[FoundCamera]:
    try:
        from picamera2 import Picamera2
    except ImportError:
        return
    # libcamera raises any exception where it cannot start.
    with contextlib.suppress(Exception):
        for number, about in enumerate(Picamera2.global_camera_info()):
            spec = "picamera2" if number == 0 else f"picamera2:{number}"
            yield FoundCamera(spec, printable(str(about.get("Model", "camera"))), "")


def _text(path: Path) -> str:
    try:
        return printable(path.read_text(errors="replace").strip())[:80]
    except OSError:
        return ""
