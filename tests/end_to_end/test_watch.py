"""edge-tosca watch: a line a change, a command a change, and a clean end."""

import json
import queue
import signal
import threading

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
