"""Frames from files and folders, and the stream that holds the newest of them."""

import io
import threading
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from edge_tosca.devices.camera import CameraSpec, Stream, open_camera
from edge_tosca.errors import CameraEndedError, CameraError, PictureError

PATIENCE = 20


def picture(shade, size=(64, 48)):
    return Image.new("RGB", size, (shade, 10, 250 - shade))


def jpeg(shade, **options):
    data = io.BytesIO()
    picture(shade).save(data, "JPEG", quality=95, **options)
    return data.getvalue()


def shade_of(pixels):
    # JPEG gives a shade or two more or less.
    return 10 * round(float(pixels[:, :, 0].mean()) / 10)


def eventually(holds):
    """Wait for what another thread does; that it never comes is the failure, not that it is late."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def frames_file(tmp_path):
    path = tmp_path / "frames.mjpeg"
    path.write_bytes(b"".join(jpeg(shade) for shade in (20, 120, 220)))
    return path


class Scripted:
    """A camera that gives what it is told to, one item a read; a read waits for the next item."""

    def __init__(self, items):
        self.items = iter(items)
        self.closed = threading.Event()

    def read(self):
        item = next(self.items, None)
        if item is None:
            self.closed.wait()
            raise CameraError("closed")
        if isinstance(item, Exception):
            raise item
        return item

    def close(self):
        self.closed.set()


def pixels_of(shade):
    return np.full((4, 6, 3), shade, np.uint8)


def test_a_file_of_frames_gives_them_in_order_and_says_when_it_ends(frames_file):
    with closing(open_camera(f"{frames_file}?fps=500")) as camera:
        assert [shade_of(camera.read()) for _ in range(3)] == [20, 120, 220]
        with pytest.raises(CameraEndedError, match="to its end"):
            camera.read()


def test_a_looped_file_begins_again(frames_file):
    with closing(open_camera(f"{frames_file}?fps=500&loop=1")) as camera:
        assert [shade_of(camera.read()) for _ in range(7)] == [20, 120, 220, 20, 120, 220, 20]


def test_frames_come_no_faster_than_they_are_asked_for(frames_file):
    with closing(open_camera(f"{frames_file}?fps=50&loop=1")) as camera:
        start = time.monotonic()
        for _ in range(6):
            camera.read()
        assert time.monotonic() - start >= 5 / 50 - 0.001


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\xff\xd8"])
def test_a_file_without_frames_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "empty.mjpeg"
    path.write_bytes(content)
    with closing(open_camera(f"{path}?fps=500&loop=1")) as camera, pytest.raises((CameraError, PictureError)):
        camera.read()


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("", "no such camera"),
        ("nowhere", "no such camera"),
        ("nowhere.mjpeg", "no such file"),
        ("ftp://192.0.2.1/video", "not supported for cameras"),
        ("rtsp:///stream", "names no host"),
        ("rtsp://user:secret@[bad/stream", "cannot be read"),
        ("0?loop=1", "no option 'loop'"),
        ("0?width=wide", "width=wide is not valid"),
        ("{frames}?fps=0", "fps=0 is not valid"),
        ("{frames}?fps=nan", "fps=nan is not valid"),
        ("{frames}?speed=9", "no option 'speed'"),
    ],
)
def test_what_names_no_camera_is_refused_in_one_line(frames_file, spec, reason):
    with pytest.raises(CameraError, match=reason) as caught:
        CameraSpec.parse(spec.format(frames=frames_file))
    assert len(str(caught.value).splitlines()) == 1


def test_a_cameras_password_is_in_no_message():
    spec = CameraSpec.parse("rtsp://user:secret@camera:8554/a?token=secret")
    assert spec.name == "rtsp://camera:8554/..."
    assert "secret" not in repr(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "rtsp:/admin:Secret99@127.0.0.1/live",
        "rtsp:/admin:Sec?ret99@127.0.0.1/live",
        "rtsp//admin:Secret99@127.0.0.1/live",
        "admin:Secret99@127.0.0.1/live.mjpeg",
        "ftp://admin:Secret99@127.0.0.1/live",
        "rtsp://admin:Secret99@[127/live",
        "127.0.0.1/user=admin&password=Secret99",
        "rtsp:/admin:Secret99" + 300 * "x",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(spec):
    with pytest.raises(CameraError) as caught:
        CameraSpec.parse(spec)
    assert not any(word in str(caught.value) for word in ("Secret99", "ret99", "admin"))


@pytest.mark.parametrize(
    ("spec", "url"),
    [
        ("rtsp://u:12/Secret@10.0.0.5:554/live", "rtsp://u:12%2FSecret@10.0.0.5:554/live"),
        ("rtsp://u:p@ss@camera/live?x=1", "rtsp://u:p%40ss@camera/live?x=1"),
        ("rtsp://u:p%40ss@camera/live", "rtsp://u:p%40ss@camera/live"),
        ("rtsp://camera/user=a&password=b", "rtsp://camera/user=a&password=b"),
    ],
)
def test_a_password_with_signs_of_its_own_is_encoded_for_the_camera(spec, url):
    assert CameraSpec.parse(spec).where == url


def test_names_of_cameras_are_understood(tmp_path):
    assert CameraSpec.parse("0").kind == CameraSpec.parse("/dev/video3").kind == "device"
    wished = CameraSpec.parse("/dev/video3?width=640&height=480&fps=15")
    assert (wished.where, wished.width, wished.height, wished.fps) == ("3", 640, 480, 15)
    assert CameraSpec.parse("picamera2:1").where == "1"
    assert CameraSpec.parse(str(tmp_path)).kind == "folder"


def test_the_newest_frame_wins_and_the_others_are_counted():
    camera = Scripted(pixels_of(shade) for shade in range(5))
    with closing(Stream(lambda: camera)) as stream:
        stream.start()
        eventually(lambda: stream.stats().frames == 5)
        frame = stream.newest()
        assert (frame.number, frame.pixels[0, 0, 0]) == (5, 4)
        assert not frame.pixels.flags.writeable
        account = stream.stats()
        assert (account.dropped, account.connected, account.width, account.height) == (4, True, 6, 4)
        assert stream.newest(after=5, timeout=0.01) is None


def test_a_lost_camera_is_opened_again_and_its_error_is_told_once(monkeypatch):
    monkeypatch.setattr("edge_tosca.devices.camera.stream.FIRST_WAIT", 0.01)
    lost = CameraError("the cable is out")
    cameras = iter(
        [Scripted([pixels_of(1), lost]), lost, lost, OSError("no such device"), Scripted([pixels_of(2)])]
    )

    def open_next():
        camera = next(cameras)
        if isinstance(camera, Exception):
            raise camera
        return camera

    told = []
    with closing(Stream(open_next, "belt", told.append)) as stream:
        stream.start()
        frame = stream.newest(after=1, timeout=PATIENCE)
        assert (frame.number, frame.pixels[0, 0, 0]) == (2, 2)
        account = stream.stats()
        assert (account.reconnects, account.error, account.connected) == (1, None, True)
    assert told == ["the cable is out; trying again", "no such device; trying again", "belt: 6x4"]


def test_a_frame_that_cannot_be_decoded_is_dropped_and_the_camera_kept():
    camera = Scripted([pixels_of(1), PictureError("frame 2: damaged"), pixels_of(3)])
    opened = []
    with closing(Stream(lambda: opened.append(1) or camera)) as stream:
        stream.start()
        frame = stream.newest(after=2, timeout=PATIENCE)
        assert (frame.number, frame.pixels[0, 0, 0]) == (3, 3)
        assert stream.stats().dropped >= 1
    assert opened == [1]


def test_a_stream_ends_with_its_file_and_wakes_who_waits(frames_file):
    with closing(Stream.of(f"{frames_file}?fps=200")) as stream:
        stream.start()
        number = 0
        while (frame := stream.newest(after=number)) is not None:
            number = frame.number
        account = stream.stats()
        assert (number, account.frames, account.ended, account.connected) == (3, 3, True, False)


def test_closing_a_stream_wakes_who_waits_and_closes_its_camera():
    camera = Scripted([])
    stream = Stream(lambda: camera)
    stream.start()
    threading.Timer(0.1, stream.close).start()
    assert stream.newest() is None
    assert camera.closed.wait(PATIENCE)


def test_the_rate_is_told(frames_file):
    with closing(Stream.of(f"{frames_file}?fps=50&loop=1")) as stream:
        assert stream.stats().fps == 0
        stream.start()
        stream.newest(after=20, timeout=PATIENCE)
        # Never faster than it was asked for; how much slower is the machine's affair.
        assert 0 < stream.stats().fps < 60
