"""What `predict` is asked about, how its numbers are rounded, and how long a lesson's stages take."""

import io
import json
import sys

import numpy as np
import pytest
import typer
from PIL import Image

from edge_tosca.cli.questions import Name, Video, list_questions, seconds_of
from edge_tosca.cli.rounding import rounded
from edge_tosca.cli.standard_input import as_paths
from edge_tosca.devices.camera.video_frames import frames_every
from edge_tosca.errors import CameraError, PictureError
from edge_tosca.learner.task_training import EPOCHS, FEW_EPOCHS, train_task_module
from edge_tosca.results import Skipped


def jpeg(side=64, value=90):
    out = io.BytesIO()
    Image.new("RGB", (side, side), (value, 120, 40)).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "in" / name).write_bytes(jpeg())
    (tmp_path / "clip.mjpeg").write_bytes(b"".join(jpeg(value=value) for value in range(0, 200, 5)))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("500ms", 0.5), ("2min", 120), ("0.25", 0.25), ("1.5s", 1.5)]
)
def test_a_duration_is_read_with_its_unit(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1s", "1h30", "2 d", "1e9", "nan"])
def test_what_is_no_duration_is_wrong_usage(text):
    with pytest.raises(typer.BadParameter, match="write 1s"):
        seconds_of(text)


def test_small_numbers_are_rounded_without_an_exponent_and_others_keep_six_places():
    found = rounded({"a": 4.86e-06, "b": [0.1234567891, 12.5], "c": ("x", 3, None, True), "d": -3e-7})
    assert found == {"a": 0.0, "b": [0.123457, 12.5], "c": ["x", 3, None, True], "d": 0.0}
    values = rounded(list(np.geomspace(1e-12, 1e3, 500)))
    assert "e" not in json.dumps(values)
    # What rounding changes is half a ten-thousandth at most.
    assert np.abs(np.array(values) - np.geomspace(1e-12, 1e3, 500)).max() <= 5e-5


def test_folders_patterns_videos_and_pictures_keep_their_order(folder):
    words = [str(folder / "in" / "b.jpg"), str(folder / "*.mjpeg"), str(folder / "in"), str(folder / "no*")]
    asked = list_questions(words, False, 1.0)
    assert asked.items == [
        folder / "in" / "b.jpg",
        Video(folder / "clip.mjpeg", 1.0),
        folder / "in" / "a.jpg",
        folder / "in" / "b.jpg",
    ]
    assert asked.passed_over == [Skipped(str(folder / "no*"), "matches no file; check its folder")]
    assert asked.picture is None


def test_a_file_whose_name_has_a_bracket_is_that_file_and_no_pattern(folder):
    odd = folder / "a[1].jpg"
    odd.write_bytes(jpeg())
    assert list_questions([str(odd)], False, 1.0).picture == odd


def test_nothing_to_answer_is_an_error_that_names_what_was_given(tmp_path):
    with pytest.raises(PictureError, match=r"no\*\.jpg matches no file"):
        list_questions([str(tmp_path / "no*.jpg")], False, 1.0)


def test_frames_are_named_by_their_second_in_the_order_in_which_they_are_read(folder):
    asked = list_questions([str(folder / "clip.mjpeg")], False, 1.0)
    # 40 frames at 15 a second.
    assert len(list(asked.sources())) == 3
    path = str(folder / "clip.mjpeg")
    taken = [asked.take() for _ in range(3)]
    assert taken == [Name(f"{path}#t={second}", path, float(second)) for second in range(3)]
    assert taken[1].to_json() == {"path": f"{path}#t=1", "video": path, "at": 1.0}
    assert not asked.pending


def test_a_video_that_cannot_be_read_is_reported_in_its_place(folder):
    broken = folder / "broken.mp4"
    broken.write_bytes(b"no video")
    asked = list_questions([str(broken), str(folder / "in" / "a.jpg")], False, 1.0)
    assert list(asked.sources()) == [folder / "in" / "a.jpg"]
    assert asked.take() == Skipped(str(broken), asked_reason(broken))
    assert asked.take() == Name(str(folder / "in" / "a.jpg"))


def asked_reason(path):
    with pytest.raises(CameraError) as caught:
        next(frames_every(path, 1.0))
    return str(caught.value)


def test_a_decoded_video_gives_a_frame_in_the_time_that_was_asked_for(tmp_path):
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for value in range(35):
        writer.write(np.full((48, 64, 3), (0, 0, 7 * value), np.uint8))
    writer.release()
    found = list(frames_every(path, 1.5))
    assert [round(at, 3) for at, _ in found] == [0.0, 1.5, 3.0]
    # Red is the first channel of RGB, and grows with time.
    reds = [int(frame[..., 0].mean()) for _, frame in found]
    assert reds == pytest.approx([0, 7 * 15, 7 * 30], abs=6)


def test_standard_input_is_a_picture_or_one_path_a_line(folder, monkeypatch):
    assert as_paths(jpeg()) is None
    assert as_paths(b"\0\1\2") is None
    lines = f"{folder}/in/a.jpg\n\n{folder}/in\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    asked = list_questions(["-"], False, 1.0)
    assert asked.items == [folder / "in" / "a.jpg", folder / "in" / "a.jpg", folder / "in" / "b.jpg"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(jpeg())))
    (picture,) = list_questions(["-"], False, 1.0).items
    assert (picture.name, picture.read()) == ("-", jpeg())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(PictureError, match="standard input is empty"):
        list_questions(["-"], False, 1.0)


@pytest.mark.parametrize(("pictures", "epochs"), [(12, FEW_EPOCHS), (110, 4 * EPOCHS)])
def test_training_reports_its_epochs_the_cross_fit_included(pictures, epochs):
    rng = np.random.default_rng(0)
    seen = []
    train_task_module(
        [rng.normal(size=(pictures, 16)).astype(np.float32) + at for at in range(2)],
        on_epoch=lambda done, total: seen.append((done, total)),
    )
    assert {total for _, total in seen} == {epochs}
    done = [done for done, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, epochs - 1)
