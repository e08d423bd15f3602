"""edge-tosca watch: a line a change, a command a change, and a clean end."""

import json
import os
import queue
import signal
import threading
from pathlib import Path

import pytest

PATIENCE = 60


@pytest.fixture
def frames_of(tmp_path, asked):
    """A file with so many frames of each picture, one class after the other."""

    def write(*labels, each=12):
        path = tmp_path / "frames.mjpeg"
        path.write_bytes(b"".join((asked / label / "101.jpg").read_bytes() * each for label in labels))
        return path

    return write


class Showing:
    """A watch over a folder, into which pictures are put until it tells what it sees."""

    def __init__(self, process, folder):
        self.process, self.folder, self.number = process, folder, 0
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def show(self, picture):
        """Put a picture there again and again, and give the line that it leads to."""
        for _ in range(600):
            (self.folder / f"{self.number}.jpg").write_bytes(picture.read_bytes())
            self.number += 1
            try:
                return self.lines.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, self.process.stderr.read()
        raise AssertionError("nothing was told")


@pytest.fixture
def showing(start, tmp_path):
    running = []

    def begin(store, *options):
        folder = tmp_path / "incoming"
        folder.mkdir()
        running.append(start("watch", store, "--camera", folder, *options))
        return Showing(running[-1], folder)

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_each_change_of_the_answer_is_a_line_and_runs_the_command(showing, taught, asked, tmp_path):
    note = tmp_path / "note"
    script = tmp_path / "note.sh"
    script.write_text(f'#!/bin/sh\ncat >> "{note}"\nprintf "%s " "$EDGE_TOSCA_LABEL" >> "{note}.labels"\n')
    script.chmod(0o755)
    watched = showing(taught, "--on-change", script)
    lines = [watched.show(asked / label / "101.jpg") for label in ("apple", "door", "apple")]
    assert [line["label"] for line in lines] == ["apple", "door", "apple"]
    assert {"time", "label", "confidence", "unknown", "task", "top", "frame", "frames"} <= set(lines[0])
    watched.process.send_signal(signal.SIGTERM)
    assert watched.process.wait(PATIENCE) == 0
    assert watched.process.stderr.read() == ""
    # A command at work lets only the newest change wait, so that those between may be left out.
    told = [json.loads(line) for line in note.read_text().splitlines()]
    assert told[0] == lines[0] and told[-1] == lines[-1]
    assert (tmp_path / "note.labels").read_text().split()[-1] == "apple"


def test_watching_ends_after_so_many_answers_or_so_long(edge, taught, frames_of):
    frames = f"{frames_of('apple')}?fps=12&loop=1"
    answered = edge("watch", taught, "--camera", frames, "--answers", 5)
    assert (answered.code, [line["label"] for line in answered.lines]) == (0, ["apple"])
    assert edge("watch", taught, "--camera", frames, "--seconds", 1).code == 0


def test_a_single_picture_in_a_folder_prints_nothing_and_the_help_says_so(edge, taught, asked, tmp_path):
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "one.jpg").write_bytes((asked / "apple" / "101.jpg").read_bytes())
    watched = edge("watch", taught, "--camera", tmp_path / "incoming", "--answers", 1)
    assert (watched.code, watched.out) == (0, "")
    told = " ".join(edge("watch", "--help").out.split())
    assert "a single picture in a watched folder prints nothing" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_watching_cleanly(start, finish, taught, frames_of, number):
    process = start("watch", taught, "--camera", f"{frames_of('apple')}?fps=12&loop=1")
    line = process.stdout.readline()
    process.send_signal(number)
    ran = finish(process)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(line)["label"] == "apple"


def test_a_store_that_is_taught_while_it_is_watched_is_answered_from(
    start, finish, edge, photos, frames_of, tmp_path
):
    store = tmp_path / "shop.tosca"
    assert edge("init", store).code == 0
    process = start("watch", store, "--camera", f"{frames_of('apple')}?fps=12&loop=1")
    assert "knows no class yet" in process.stderr.readline()
    assert edge("learn", store, photos / "task1").code == 0
    assert json.loads(process.stdout.readline())["label"] == "apple"
    process.terminate()
    ran = finish(process)
    assert ran.code == 0 and ran.err.splitlines() == [f"edge-tosca: {store}: answering again"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--camera", "nowhere"), "no such camera"),
        (("--camera", "{folder}/empty.mjpeg"), "holds no JPEG frame"),
        (("--camera", "{folder}?fps=2"), "no option 'fps'"),
        (("--camera", "{folder}", "--on-change", "no-such-program"), "--on-change"),
        (("--camera", "{folder}", "--mqtt", "http://broker"), "--mqtt"),
    ],
)
def test_what_cannot_be_watched_is_told_in_one_line(edge, taught, tmp_path, options, reason):
    (tmp_path / "empty.mjpeg").write_bytes(b"")
    ran = edge("watch", taught, *(option.format(folder=tmp_path) for option in options))
    assert reason in ran.complaint


def test_a_store_that_is_not_there_is_told_before_a_camera_is_opened(edge, tmp_path):
    assert "there is no store here" in edge("watch", tmp_path / "none.tosca", "--camera", tmp_path).complaint


def test_a_watch_that_never_got_a_frame_is_an_error_that_says_what_to_check(edge, taught, tmp_path):
    (tmp_path / "in").mkdir()
    ran = edge("watch", taught, "--camera", tmp_path / "in", "--seconds", 0.3)
    assert ran.complaint.endswith(
        "/in: no frame came; check that the camera runs, or that a program writes pictures there"
    )
    damaged = tmp_path / "damaged.mjpeg"
    damaged.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    ran = edge("watch", taught, "--camera", damaged)
    assert (ran.code, ran.out) == (1, "")
    assert "damaged.mjpeg, frame 1: " in ran.err.splitlines()[-1]


def test_a_network_camera_that_never_answers_is_an_error_without_its_password(edge, taught):
    pytest.importorskip("cv2", reason="OpenCV is not installed (extra camera)")
    ran = edge(
        "watch",
        taught,
        "--camera",
        "rtsp://admin:12/Secret99@127.0.0.1:9/live?token=Secret99",
        "--seconds",
        3,
    )
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1].startswith(
        "edge-tosca: no frame came: rtsp://...: does not answer or refuses;"
    )
    assert "as %40" in ran.err and not any(word in ran.err for word in ("Secret99", "admin"))


def test_an_address_comes_from_a_file_or_the_environment_and_is_in_no_list_of_processes(
    start, finish, edge, taught, frames_of, tmp_path
):
    camera = f"{frames_of('apple')}?fps=12&loop=1"
    (tmp_path / "camera").write_text(f"{camera}\n")
    (tmp_path / "broker").write_text("mqtt://box:Secret99@127.0.0.1:9/test\n")
    files = ("--camera-file", tmp_path / "camera", "--mqtt-file", tmp_path / "broker")
    process = start("watch", taught, *files)
    assert "mqtt broker 127.0.0.1:9 cannot be reached" in process.stderr.readline()
    listed = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert "--camera-file" in listed and "loop=1" not in listed and "Secret99" not in listed
    process.terminate()
    assert finish(process).code == 0
    given = {"EDGE_TOSCA_CAMERA": camera, "EDGE_TOSCA_MQTT": "mqtt://127.0.0.1:9/test2"}
    ran = edge("watch", taught, "--answers", 5, env=given)
    assert (ran.code, ran.lines[0]["label"]) == (0, "apple")
    assert "mqtt broker 127.0.0.1:9 cannot be reached" in ran.err
    # An empty option is none, so that a service's settings may leave it out; any other goes before.
    assert edge("watch", taught, "--camera", "", "--answers", 1, env=given).code == 0
    assert "no such camera" in edge("watch", taught, "--camera", "nowhere", env=given).complaint


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read (no such file or directory)"),
        (b"", "is empty"),
        (b"0\n1\n", "holds 2 lines"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"0" * 70_000, "is too long"),
    ],
)
def test_a_file_that_holds_no_address_is_refused_by_its_name(edge, taught, tmp_path, content, reason):
    file = tmp_path / "camera"
    if content is not None:
        file.write_bytes(content)
    assert f"{file}: {reason}" in edge("watch", taught, "--camera-file", file).complaint


def test_two_sources_or_none_are_wrong_usage(edge, taught, tmp_path):
    ran = edge("watch", taught, "--camera", "0", "--camera-file", tmp_path / "camera")
    assert ran.code == 2 and "not both" in ran.err
    ran = edge("watch", taught)
    assert ran.code == 2 and "EDGE_TOSCA_CAMERA" in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("{store}", "rtsp://admin:Secret99@camera/live"),
        ("rtsp://admin:Secret99@camera/live", "--camera", "{store}"),
        ("{store}", "--camara=rtsp://admin:Secret99@camera/live"),
        ("{store}", "--camera", "{store}", "--frames", "rtsp://admin:Secret99@camera/live"),
        (
            "{store}",
            "--camera",
            "{store}",
            "--log",
            "json",
            "--on-change",
            "rtsp://admin:Secret99@camera/live",
        ),
    ],
)
def test_an_address_in_the_wrong_place_is_not_quoted_with_its_password(edge, taught, words):
    ran = edge("watch", *(word.format(store=taught) for word in words))
    assert ran.code in (1, 2) and ran.out == ""
    assert "Secret99" not in ran.err and "admin" not in ran.err


def test_a_second_watcher_on_a_prefix_is_refused_until_the_first_is_gone(start, edge, taught, frames_of):
    camera = f"{frames_of('apple')}?fps=12&loop=1"
    # No broker is needed to refuse a publisher.
    prefix = f"mqtt://127.0.0.1:9/test-{os.getpid()}"
    words = ("watch", taught, "--camera", camera)
    with start(*words, "--mqtt", prefix) as first:
        try:
            assert "cannot be reached" in first.stderr.readline()
            assert "name another prefix" in edge(*words, "--mqtt", prefix).complaint
            assert edge(*words, "--mqtt", f"{prefix}/gate", "--answers", 1).code == 0
        finally:
            first.kill()
        first.wait()
    assert edge(*words, "--mqtt", prefix, "--answers", 1).code == 0
