"""Video files and network cameras through OpenCV, and picamera2 where there is none."""

import os
import socket
import subprocess
import sys
import threading
from contextlib import closing

import numpy as np
import pytest

from edge_tosca.devices.camera import Stream, open_camera
from edge_tosca.devices.camera.opencv import OpenCvCamera
from edge_tosca.devices.camera.opencv import cv2 as opencv
from edge_tosca.errors import CameraEndedError, CameraError, PictureError

pytest.importorskip("cv2", reason="OpenCV is not installed (extra camera)")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Three frames: red, green, blue."""
    # As the program does, which keeps FFmpeg quiet from its first use.
    cv2 = opencv()
    path = tmp_path_factory.mktemp("video") / "three.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 50, (64, 48))
    for colour in ((0, 0, 255), (0, 255, 0), (255, 0, 0)):
        writer.write(np.full((48, 64, 3), colour, np.uint8))
    writer.release()
    return path


def hue(pixels):
    return "rgb"[int(pixels.reshape(-1, 3).mean(axis=0).argmax())]


def test_a_video_gives_its_frames_in_rgb_and_says_when_it_ends(video):
    with closing(open_camera(str(video))) as camera:
        frames = [camera.read() for _ in range(3)]
        assert [hue(pixels) for pixels in frames] == ["r", "g", "b"]
        assert frames[0].shape == (48, 64, 3) and frames[0].dtype == np.uint8
        with pytest.raises(CameraEndedError, match="to its end"):
            camera.read()


def test_a_looped_video_begins_again(video):
    with closing(open_camera(f"{video}?fps=500&loop=1")) as camera:
        assert "".join(hue(camera.read()) for _ in range(7)) == "rgbrgbr"


def test_a_stream_reads_a_video(video):
    with closing(Stream.of(f"{video}?fps=100")) as stream:
        stream.start()
        number = 0
        while (frame := stream.newest(after=number)) is not None:
            number = frame.number
        assert number == 3 and stream.stats().ended


def test_what_is_no_video_is_refused_in_one_line(tmp_path, capfd):
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    with pytest.raises(CameraError, match=r"notes.mp4: not a video"):
        open_camera(str(path))
    assert capfd.readouterr().err == ""


def test_a_playlist_is_no_video_so_that_no_file_leads_to_the_network(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://192.0.2.1/a.ts\n")
    with pytest.raises(CameraError, match="no such camera"):
        open_camera(str(path))
    # The same under the name of a video: FFmpeg follows a local list to local files only.
    other = path.rename(tmp_path / "list.mp4")
    with pytest.raises(CameraError, match="not a video"):
        open_camera(str(other))


def test_a_network_camera_that_refuses_is_told_in_one_line_without_its_password(capfd):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def refuse():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        with pytest.raises(CameraError, match=f"rtsp://127.0.0.1:{port}/...: ") as caught:
            open_camera(f"rtsp://user:secret@127.0.0.1:{port}/belt")
        thread.join()
    assert "secret" not in str(caught.value) and len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr().err == ""


def test_a_camera_that_is_not_there_is_told_in_one_line(capfd):
    with pytest.raises(CameraError, match="/dev/video987: no camera there"):
        open_camera("/dev/video987")
    assert capfd.readouterr().err == ""


def test_a_system_without_picamera2_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match="apt install python3-picamera2"):
        open_camera("picamera2")


def damage(video, path, number):
    """Write zeros over one frame of a video."""
    data, places, place = bytearray(video.read_bytes()), [], -1
    while (place := data.find(b"\xff\xd8\xff", place + 1)) >= 0:
        places.append(place)
    end = data.index(b"\xff\xd9", places[number]) + 2
    data[places[number] : end] = bytes(end - places[number])
    path.write_bytes(data)
    return path


def test_a_video_goes_on_after_a_frame_that_cannot_be_decoded(video, tmp_path):
    with closing(open_camera(f"{damage(video, tmp_path / 'damaged.avi', 1)}?fps=500&loop=1")) as camera:
        for _ in range(2):
            assert hue(camera.read()) == "r"
            with pytest.raises(PictureError, match=r"damaged.avi: a frame is damaged"):
                camera.read()
            assert hue(camera.read()) == "b"


def test_a_stream_counts_a_damaged_frame_of_a_video_as_dropped(video, tmp_path):
    with closing(Stream.of(f"{damage(video, tmp_path / 'damaged.avi', 1)}?fps=50")) as stream:
        stream.start()
        number = 0
        while (frame := stream.newest(after=number)) is not None:
            number = frame.number
        stats = stream.stats()
        assert (number, stats.frames, stats.reconnects) == (3, 3, 0)
        assert stats.dropped >= 1


class Capture:
    """A camera of OpenCV that gives what it is told to."""

    def __init__(self, *frames):
        self.frames = list(frames)

    def read(self):
        pixels = self.frames.pop(0) if self.frames else None
        return pixels is not None, pixels

    def release(self):
        self.frames.clear()


def test_a_camera_is_lost_when_nothing_comes_and_not_by_a_damaged_frame():
    pixels = np.zeros((4, 6, 3), np.uint8)
    with closing(OpenCvCamera(Capture(pixels, None, None, pixels), "belt")) as camera:
        camera.read()
        for _ in range(2):
            with pytest.raises(PictureError, match="belt: a frame is damaged"):
                camera.read()
        camera.read()
        with pytest.raises(CameraError, match="delivers no more frames"):
            camera.read()


NOISY = {
    "OPENCV_FFMPEG_LOGLEVEL": "56",
    "OPENCV_FFMPEG_DEBUG": "1",
    "OPENCV_VIDEOIO_DEBUG": "1",
    "OPENCV_LOG_LEVEL": "DEBUG",
    "OPENCV_FFMPEG_SKIP_LOG_CALLBACK": "1",
}
OPEN = """
import sys
from edge_tosca.devices.camera import open_camera
from edge_tosca.errors import CameraError
try:
    open_camera(sys.argv[1])
except CameraError as error:
    print(error)
"""


def test_opencv_and_ffmpeg_print_no_address_whatever_the_environment_says():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def refuse():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        url = f"rtsp://user:secret@127.0.0.1:{port}/belt?token=secret"
        ran = subprocess.run(
            [sys.executable, "-c", OPEN, url], env={**os.environ, **NOISY}, capture_output=True, text=True
        )
        thread.join()
    assert (
        ran.stdout.startswith(f"rtsp://127.0.0.1:{port}/...: does not answer") and "secret" not in ran.stdout
    )
    assert ran.stderr == ""
