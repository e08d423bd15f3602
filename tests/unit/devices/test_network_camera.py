"""A network camera is played over RTSP, lost, and found again; GStreamer's own server plays the camera."""

import os
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from edge_tosca.devices.camera import Stream, open_camera
from edge_tosca.errors import CameraError

pytestmark = pytest.mark.slow

pytest.importorskip("cv2", reason="OpenCV is not installed (extra camera)")

SERVER = Path(__file__).with_name("rtsp_server.py")
SYSTEM_PYTHON = Path("/usr/bin/python3")
LONGEST = 60.0


@pytest.fixture(scope="module")
def network_camera():
    """Start a camera: network_camera(port). At the end of the block it is gone, as if unplugged."""
    needs = 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer'
    if (
        not SYSTEM_PYTHON.exists()
        or subprocess.run([SYSTEM_PYTHON, "-c", needs], capture_output=True).returncode
    ):
        reason = "no GStreamer RTSP server; install gir1.2-gst-rtsp-server-1.0 and gstreamer1.0-plugins-good"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI must have it")
        pytest.skip(reason)

    @contextmanager
    def start(port, password="secret"):
        command = [SYSTEM_PYTHON, SERVER, str(port), "user", password]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout.readline() == "ready\n"
                yield
            finally:
                server.kill()

    return start


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_until(what):
    end = time.monotonic() + LONGEST
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_a_network_camera_is_played_lost_and_found_again(network_camera, port):
    told = []
    stream = Stream.of(f"rtsp://user:secret@127.0.0.1:{port}/belt", told.append)
    with closing(stream):
        with network_camera(port):
            stream.start()
            frame = stream.newest(timeout=LONGEST)
            assert frame.pixels.shape == (240, 320, 3)
            # The server's JPEG holds 16 to 235 where the decoder expects 0 to 255.
            np.testing.assert_allclose(frame.pixels.mean(axis=(0, 1)), (235, 16, 16), atol=5)
        wait_until(lambda: not stream.stats().connected)
        with network_camera(port):
            last = stream.newest().number
            assert stream.newest(after=last, timeout=LONGEST).number > last
            assert stream.stats().reconnects == 1
            # Told after the frame was given.
            wait_until(lambda: f"rtsp://127.0.0.1:{port}/...: 320x240" in told)
    assert "delivers no more frames" in told[0]
    assert not any("secret" in event for event in told)


def test_a_wrong_password_is_told_in_one_line_without_it(network_camera, port):
    with (
        network_camera(port),
        pytest.raises(CameraError, match="check its address, user and password") as caught,
    ):
        open_camera(f"rtsp://user:guess@127.0.0.1:{port}/belt")
    assert "guess" not in str(caught.value)


@pytest.mark.parametrize(
    ("password", "written"),
    [
        ("p@ss/wo?rd#1", "p@ss/wo?rd#1"),
        ("50%off", "50%off"),
        ("a b\u00e4:c", "a b\u00e4:c"),
        ("%41+", "%2541%2B"),
    ],
)
def test_a_password_of_any_characters_opens_the_camera(network_camera, port, password, written):
    with (
        network_camera(port, password),
        closing(open_camera(f"rtsp://user:{written}@127.0.0.1:{port}/belt")) as camera,
    ):
        assert camera.read().shape == (240, 320, 3)
