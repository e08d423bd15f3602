"""The command that runs at changes: without a shell, one at a time, never in the way, never for ever."""

import json
import sys
import time
from contextlib import closing

import pytest

from edge_tosca.errors import EdgeToscaError
from edge_tosca.watch import Command

NOTE = "import os, sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def python(program, *words):
    return " ".join([sys.executable, "-c", f'"{program}"', *map(str, words)])


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_command_gets_the_change_on_its_input(tmp_path, change, eventually):
    note = tmp_path / "note"
    with closing(Command(python(NOTE, note), pytest.fail)) as command:
        command.change(change("mug"))
        eventually(lambda: lines(note))
    assert lines(note) == [change("mug").to_json()]


@pytest.mark.parametrize("label", ["mug", "$(touch pwned); `id`", "line\nbreak\x00null", "Größe"])
def test_a_command_gets_the_change_in_its_environment_and_no_shell_sees_it(
    tmp_path, change, eventually, label
):
    note = tmp_path / "note"
    program = "import os, sys; open(sys.argv[1], 'w').write(os.environ['EDGE_TOSCA_LABEL'])"
    with closing(Command(python(program, note), pytest.fail)) as command:
        command.change(change(label))
        eventually(lambda: note.exists() and note.read_text())
    assert note.read_text() == label.replace("\n", "\\n").replace("\x00", "\\x00")


def test_a_command_does_not_get_addresses_with_passwords(tmp_path, change, eventually, monkeypatch):
    monkeypatch.setenv("EDGE_TOSCA_CAMERA", "rtsp://me:secret@camera/live")
    monkeypatch.setenv("EDGE_TOSCA_MQTT", "mqtt://me:secret@broker")
    note = tmp_path / "note"
    program = "import os, sys; open(sys.argv[1], 'w').write(str(dict(os.environ)))"
    with closing(Command(python(program, note), pytest.fail)) as command:
        command.change(change())
        eventually(lambda: note.exists() and note.read_text())
    assert "EDGE_TOSCA_LABEL" in note.read_text() and "secret" not in note.read_text()


def test_while_a_command_runs_only_the_newest_change_waits(tmp_path, change, eventually):
    note, go = tmp_path / "note", tmp_path / "go"
    program = (
        "import os, sys, time\n"
        "open(sys.argv[1], 'a').write(sys.stdin.read())\n"
        "while not os.path.exists(sys.argv[2]): time.sleep(0.01)"
    )
    script = tmp_path / "slow.py"
    script.write_text(program)
    reported = []
    with closing(Command(f"{sys.executable} {script} {note} {go}", reported.append)) as command:
        command.change(change("first"))
        eventually(lambda: lines(note))
        start = time.monotonic()
        for label in ("second", "third", "fourth"):
            command.change(change(label))
        # The caller is not kept waiting though the command still runs.
        assert len(lines(note)) == 1 and time.monotonic() - start < 5
        go.touch()
        eventually(lambda: len(lines(note)) == 2)
    assert [line["label"] for line in lines(note)] == ["first", "fourth"]
    assert command.skipped == 2
    assert reported == [f"--on-change: {sys.executable} was too slow for 2 changes; make it faster"]


def test_a_command_that_does_not_end_is_ended_with_what_it_started(tmp_path, change, eventually):
    told, pid = [], tmp_path / "pid"
    program = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen(['sleep', '600']); open(sys.argv[1], 'w').write(str(child.pid)); "
        "time.sleep(600)"
    )
    with closing(Command(python(program, pid), told.append, timeout=1)) as command:
        command.change(change())
        eventually(lambda: told)
    assert "over 1 s and was killed" in told[0]
    if pid.exists():
        state = tmp_path.joinpath("/proc", pid.read_text(), "stat")
        eventually(lambda: not state.exists() or state.read_text().rpartition(")")[2].split()[0] in "ZX")


def test_a_command_that_fails_is_told_once(tmp_path, change, eventually):
    told, note = [], tmp_path / "note"
    program = NOTE + "; sys.exit(3)"
    with closing(Command(python(program, note), told.append)) as command:
        for number in (1, 2):
            command.change(change(number=number))
            eventually(lambda count=number: len(lines(note)) == count)
        eventually(lambda: told)
    assert told == [f"--on-change: {sys.executable} ended with code 3; see what it printed"]


def test_the_last_change_is_not_lost_when_the_end_comes(tmp_path, change):
    note = tmp_path / "note"
    command = Command(python(NOTE, note), pytest.fail)
    command.change(change("last"))
    command.close()
    assert [line["label"] for line in lines(note)] == ["last"]


@pytest.mark.parametrize("line", ["", "   ", "no-such-program-here now", "echo 'unfinished"])
def test_what_cannot_be_run_is_refused_in_one_line(line):
    with pytest.raises(EdgeToscaError, match="--on-change") as caught:
        Command(line, pytest.fail)
    assert len(str(caught.value).splitlines()) == 1
