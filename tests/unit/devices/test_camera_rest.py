"""A camera whose frames nobody needs for a while decodes none, unless somebody waits for one."""

import threading
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from edge_tosca.devices.camera import Stream
from edge_tosca.devices.camera.mjpeg import JpegFrames


def eventually(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


class Belt:
    """A camera that counts what it decodes and what it leaves out."""

    def __init__(self):
        self.decoded = self.skipped = 0
        self.closed = threading.Event()

    def __call__(self):
        return self

    def read(self):
        self.closed.wait(0.005)
        self.decoded += 1
        return np.zeros((8, 8, 3), np.uint8)

    def skip(self):
        self.closed.wait(0.005)
        self.skipped += 1
        return True

    def close(self):
        self.closed.set()


@pytest.fixture
def belt():
    belt = Belt()
    belt.stream = Stream(belt, "belt")
    belt.stream.start()
    yield belt
    belt.stream.close()


def test_frames_are_left_out_until_the_moment_and_the_rate_counts_them(belt):
    assert belt.stream.newest(timeout=30) is not None
    belt.stream.rest_until(time.monotonic() + 3600)
    eventually(lambda: belt.skipped > 20)
    before = belt.decoded
    eventually(lambda: belt.skipped > 40)
    assert belt.decoded <= before + 1
    stats = belt.stream.stats()
    assert stats.connected and stats.fps > 0
    belt.stream.rest_until(0.0)
    eventually(lambda: belt.decoded > before + 5)


def test_a_frame_that_somebody_waits_for_is_decoded(belt):
    number = belt.stream.newest(timeout=30).number
    belt.stream.rest_until(time.monotonic() + 3600)
    eventually(lambda: belt.skipped > 5)
    assert belt.stream.newest(number + 1, timeout=30).number > number


def test_the_first_frame_is_decoded_whatever_was_asked(belt):
    fresh = Belt()
    stream = Stream(fresh, "fresh")
    stream.rest_until(time.monotonic() + 3600)
    stream.start()
    eventually(lambda: stream.stats().frames == 1)
    stream.close()


def test_a_file_of_frames_goes_on_behind_a_frame_that_was_left_out(tmp_path):
    file = tmp_path / "frames.mjpeg"
    with file.open("wb") as out:
        for level in (10, 120, 240):
            picture = BytesIO()
            Image.new("RGB", (16, 16), (level,) * 3).save(picture, "JPEG")
            out.write(picture.getvalue())
    camera = JpegFrames(file, 1000, False)
    levels = [int(camera.read().mean())]
    assert camera.skip()
    levels.append(int(camera.read().mean()))
    assert levels == [10, 240]
    assert not camera.skip()
    camera.close()
