"""Of a watched folder each picture that appears or changes is given once, whatever its date and name."""

import io
import os
import shutil
import threading
import time
from contextlib import closing

import pytest
from PIL import Image

from edge_tosca.devices.camera import Stream, open_camera
from edge_tosca.devices.camera.folder import WatchedFolder
from edge_tosca.devices.camera.folder_look import look
from edge_tosca.errors import CameraError, PictureError

PATIENCE = 20


def put(path, shade, age=0.0):
    """Put a picture of this age there at once: one that is seen before it is dated is another than after."""
    hidden = path.with_name(".new.png")
    Image.new("L", (32, 32), shade).save(hidden)
    os.utime(hidden, (time.time() - age,) * 2)
    hidden.rename(path)


def jpeg(shade, size=(64, 48)):
    data = io.BytesIO()
    Image.new("L", size, shade).save(data, "JPEG", quality=95)
    return data.getvalue()


def shade_of(pixels):
    return 10 * round(float(pixels.mean()) / 10)


class Reading:
    """Reads a camera in a thread of its own, so that a test can say what was read between two points."""

    def __init__(self, camera):
        self.camera, self.shades, self.errors = camera, [], []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                self.shades.append(shade_of(self.camera.read()))
            except PictureError as error:
                self.errors.append(str(error))
            except CameraError:
                return

    def until(self, holds):
        end = time.monotonic() + PATIENCE
        while not holds(self):
            assert time.monotonic() < end, (self.shades, self.errors)
            time.sleep(0.01)

    def expect(self, *shades):
        """Wait for these, in this order; what comes too much is found at the next wait."""
        self.until(lambda reading: len(reading.shades) >= len(shades))
        assert self.shades == list(shades)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    put(path / "a.png", 10)
    return path


@pytest.fixture
def reading(folder):
    camera = WatchedFolder(folder)
    reading = Reading(camera)
    reading.expect(10)
    yield reading
    camera.close()
    reading.thread.join(PATIENCE)


def test_the_latest_of_the_pictures_that_are_there_is_the_first_frame(folder):
    put(folder / "old.png", 200, age=3600)
    with closing(open_camera(str(folder))) as camera:
        assert shade_of(camera.read()) == 10


@pytest.mark.parametrize("age", [3600, 0, -86400], ids=["older", "now", "in the future"])
def test_a_picture_that_appears_is_new_whatever_its_date(folder, reading, age):
    put(folder / "b.png", 20, age)
    reading.expect(10, 20)
    put(folder / "c.png", 30, 7200)
    reading.expect(10, 20, 30)


def test_a_known_picture_under_another_name_or_without_its_neighbour_is_not_new(folder, reading):
    put(folder / "b.png", 20)
    reading.expect(10, 20)
    (folder / "b.png").rename(folder / "c.png")
    (folder / "d.png").hardlink_to(folder / "c.png")
    (folder / "latest.png").symlink_to("d.png")
    put(folder / "e.png", 30)
    reading.expect(10, 20, 30)
    (folder / "e.png").unlink()
    put(folder / "f.png", 40)
    reading.expect(10, 20, 30, 40)


def test_a_picture_that_is_overwritten_is_new_though_its_date_goes_back(folder):
    with closing(WatchedFolder(folder)) as camera:
        assert shade_of(camera.read()) == 10
        Image.new("L", (32, 32), 70).save(folder / "a.png")
        os.utime(folder / "a.png", (1e9, 1e9))
        assert shade_of(camera.read()) == 70
        # By renaming, to the same size and the same date.
        Image.new("L", (32, 32), 90).save(folder / ".a.png")
        os.utime(folder / ".a.png", (1e9, 1e9))
        assert (folder / ".a.png").stat().st_size == (folder / "a.png").stat().st_size
        (folder / ".a.png").rename(folder / "a.png")
        assert shade_of(camera.read()) == 90


def test_many_pictures_at_once_are_given_once_each_in_the_order_of_their_writing(folder):
    camera = WatchedFolder(folder)
    shades = [20, 250, 30, 240, 40, 230]
    for number, shade in enumerate(shades):
        put(folder / f"{number}.png", shade, age=1000 * (-1) ** number)
    reading = Reading(camera)
    reading.expect(10, *shades)
    camera.close()


def test_a_picture_that_is_renamed_before_it_is_read_is_given_once(folder):
    camera = WatchedFolder(folder)
    assert shade_of(camera.read()) == 10
    put(folder / "b.png", 20)
    put(folder / "c.png", 30)
    assert shade_of(camera.read()) == 20
    # Queued under its first name, by the look that found both.
    (folder / "c.png").rename(folder / "z.png")
    reading = Reading(camera)
    reading.expect(30)
    put(folder / "d.png", 40)
    reading.expect(30, 40)
    camera.close()


def test_a_picture_that_is_replaced_before_it_is_read_is_given_once_as_it_is_then(folder):
    camera = WatchedFolder(folder)
    assert shade_of(camera.read()) == 10
    put(folder / "b.png", 20)
    put(folder / "c.png", 30)
    assert shade_of(camera.read()) == 20
    put(folder / "c.png", 90)
    reading = Reading(camera)
    reading.expect(90)
    put(folder / "d.png", 40)
    reading.expect(90, 40)
    camera.close()


def test_a_half_written_picture_is_read_when_it_is_whole_and_holds_up_no_other(folder, reading):
    data = jpeg(120)
    (folder / "new.jpg").write_bytes(data[: len(data) // 2])
    put(folder / "b.png", 20)
    reading.expect(10, 20)
    with (folder / "new.jpg").open("ab") as file:
        file.write(data[len(data) // 2 :])
    reading.expect(10, 20, 120)


def test_a_jpeg_without_its_last_bytes_is_not_given_twice(folder, reading):
    data = jpeg(120)
    (folder / "new.jpg").write_bytes(data[:-2])
    put(folder / "b.png", 20)
    reading.expect(10, 20)
    (folder / "new.jpg").write_bytes(data)
    reading.expect(10, 20, 120)
    # As phones append a video to a picture, while it is copied.
    for _ in range(3):
        with (folder / "new.jpg").open("ab") as file:
            file.write(bytes(1000))
        time.sleep(0.15)
    put(folder / "c.png", 30)
    reading.expect(10, 20, 120, 30)


def test_a_picture_that_stays_damaged_is_an_error_once(folder, reading, monkeypatch):
    monkeypatch.setattr("edge_tosca.devices.camera.folder.WRITING_SECONDS", 0.2)
    (folder / "b.jpg").write_bytes(jpeg(120)[:300])
    (folder / "c.heic").write_bytes(b"")
    reading.until(lambda one: len(one.errors) >= 2)
    put(folder / "d.png", 20)
    reading.expect(10, 20)
    assert sorted(error.split(":")[0] for error in reading.errors) == ["b.jpg", "c.heic"]


def test_what_is_no_picture_is_passed_over_and_a_picture_is_known_by_its_content(folder, reading):
    (folder / "notes.txt").write_text("no picture")
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(1000))
    (folder / "empty").write_bytes(b"")
    (folder / "inner").mkdir()
    (folder / "nowhere.jpg").symlink_to("none.jpg")
    os.mkfifo(folder / "pipe.jpg")
    (folder / ".hidden.jpg").write_bytes(jpeg(50))
    (folder / "arriving.jpg.part").write_bytes(jpeg(60))
    (folder / "no suffix").write_bytes(jpeg(120))
    reading.expect(10, 120)
    (folder / "arriving.jpg.part").rename(folder / "arriving.jpg")
    reading.expect(10, 120, 60)
    assert reading.errors == []


def test_a_folder_that_was_lost_and_found_gives_what_is_new_since(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_tosca.devices.camera.stream.FIRST_WAIT", 0.01)
    events = []
    with closing(Stream.of(str(folder), events.append)) as stream:
        stream.start()
        assert shade_of(stream.newest(timeout=PATIENCE).pixels) == 10
        away = tmp_path / "away"
        folder.rename(away)
        end = time.monotonic() + PATIENCE
        while not events:
            assert time.monotonic() < end
            time.sleep(0.01)
        put(away / "b.png", 20, age=3600)
        # Another mount has other inodes.
        shutil.copytree(away, tmp_path / "copy").rename(folder)
        frame = stream.newest(after=1, timeout=PATIENCE)
        assert (frame.number, shade_of(frame.pixels)) == (2, 20)
        assert stream.stats().reconnects == 1
    assert events == [
        f"{folder}: no such file or directory; name a folder that pictures are written to; trying again",
        f"{folder}: 32x32",
    ]


def test_a_folder_that_goes_away_is_a_lost_camera(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    with closing(open_camera(str(folder))) as camera:
        folder.rmdir()
        with pytest.raises(CameraError, match="pictures"):
            camera.read()


def test_closing_ends_a_read_that_waits(tmp_path):
    camera = open_camera(str(tmp_path))
    threading.Timer(0.2, camera.close).start()
    with pytest.raises(CameraError, match="closed"):
        camera.read()


def test_a_second_look_asks_the_system_only_of_what_is_new(folder, monkeypatch):
    for number in range(50):
        (folder / f"{number}.jpg").write_bytes(b"")
    before = look(folder)
    put(folder / "new.png", 20)
    asked = []
    file_of = "edge_tosca.devices.camera.folder_look._file"
    monkeypatch.setattr(file_of, lambda entry: asked.append(entry.name))
    before.again(folder, full=False)
    assert asked == ["new.png"]
    before.again(folder, full=True)
    assert len(asked) == 1 + 52


def test_ten_thousand_files_do_not_hide_a_new_one(tmp_path):
    for number in range(10_000):
        (tmp_path / f"{number}.jpg").touch()
    put(tmp_path / "a.png", 10, age=-10)
    with closing(WatchedFolder(tmp_path)) as camera:
        assert shade_of(camera.read()) == 10
        put(tmp_path / "b.png", 20, age=3600)
        assert shade_of(camera.read()) == 20
