"""The cameras of a device, as the kernel describes them; no camera is there, so the kernel is played."""

import struct

import pytest

from edge_tosca.devices.camera.listing import FoundCamera, PixelFormat, find_cameras

WEBCAM = {b"MJPG": [(640, 480), (1280, 720)], b"YUYV": [(640, 480)], b"ANY ": None}


class Kernel:
    """Answers three requests for /dev/video0, a webcam, and /dev/video1, its metadata."""

    def __init__(self, devices):
        self.numbers = {(devices / f"video{number}").stat().st_ino: number for number in (0, 1)}

    def __call__(self, handle, request, buffer):
        import os

        number = self.numbers[os.fstat(handle).st_ino]
        if request == 0x80685600:
            # The device can capture in all, its second file only gives metadata.
            of_this = 0x00000001 if number == 0 else 0x00800000
            buffer[:] = struct.pack("<16s32s32sIII12x", b"uvc", b"", b"", 0, 0x80000001, of_this)
        elif request == 0xC0405602:
            index = struct.unpack_from("<I", buffer)[0]
            if index >= len(WEBCAM):
                raise OSError(22, "Invalid argument")
            struct.pack_into("<4s", buffer, 44, list(WEBCAM)[index])
        elif request == 0xC02C564A:
            index, code = struct.unpack_from("<I4s", buffer)
            sizes = WEBCAM[code]
            if sizes is None:
                struct.pack_into("<III", buffer, 8, 3, 16, 16)
            elif index < len(sizes):
                struct.pack_into("<III", buffer, 8, 1, *sizes[index])
            else:
                raise OSError(22, "Invalid argument")


@pytest.fixture
def system(tmp_path):
    folder, devices = tmp_path / "class", tmp_path / "dev"
    devices.mkdir()
    for number in (0, 1):
        (folder / f"video{number}").mkdir(parents=True)
        (folder / f"video{number}" / "name").write_text("HD Webcam\x1b[31m: HD\n")
        (devices / f"video{number}").touch()
    return folder, devices


def test_a_webcam_is_listed_once_with_its_formats_and_the_word_to_use(system):
    folder, devices = system
    (found,) = find_cameras(folder, devices, Kernel(devices))
    assert found == FoundCamera(
        "0",
        "HD Webcam\\x1b[31m: HD",
        str(devices / "video0"),
        (
            PixelFormat("MJPG", ((640, 480), (1280, 720))),
            PixelFormat("YUYV", ((640, 480),)),
            PixelFormat("ANY", ()),
        ),
    )


def test_a_device_that_cannot_be_opened_is_listed_with_the_reason(system):
    folder, devices = system
    (devices / "video0").unlink()
    (devices / "video1").unlink()
    found = find_cameras(folder, devices, lambda *_: None)
    assert [one.note for one in found] == ["no such file or directory"] * 2


def test_where_there_is_no_camera_nothing_is_listed(tmp_path):
    assert find_cameras(tmp_path / "none", tmp_path) == []
