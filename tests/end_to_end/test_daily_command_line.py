"""The command line in daily use: a dry run, a question before forgetting, CSV, standard input, videos."""

import csv
import json
import os
import pty
import subprocess
import sys

import pytest


def run_with(words, given=b""):
    words = [sys.executable, "-m", "edge_tosca", *map(str, words)]
    return subprocess.run(words, input=given, capture_output=True, timeout=170)


def on_a_terminal(words, answer):
    """Run the command line with a terminal as its streams, and answer its question."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "edge_tosca", *map(str, words)]
    process = subprocess.Popen(command, stdin=follower, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    os.write(leader, answer)
    out = process.communicate(timeout=170)[0]
    shown = b""
    try:
        while part := os.read(leader, 1 << 16):
            shown += part
    except OSError:
        pass
    os.close(leader)
    return process.returncode, out.decode(), shown.decode()


@pytest.mark.parametrize("rejected", [False, True])
def test_a_dry_run_reports_and_keeps_nothing_whatever_the_verdict(
    edge, taught, copy_store, photos, remember, draw_pictures, tmp_path, rejected
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    folder = photos / "task3"
    if rejected:
        # Twice the same pictures under two names.
        folder = tmp_path / "same"
        for label in ("left", "right"):
            (folder / label).mkdir(parents=True)
            for path in (photos / "task3" / "flag").iterdir():
                (folder / label / path.name).write_bytes(path.read_bytes())
    before = remember(store)
    report = edge("learn", store, folder, "--dry-run", "--json").json
    assert (report["generation"], report["dry_run"]) == (None, True)
    assert (report["gate"]["verdict"] == "reject") == rejected
    assert remember(store) == before
    shown = edge("learn", store, folder, "--dry-run")
    assert shown.code == 0
    assert shown.out.startswith("Dry run, nothing is kept: ")
    none = edge("learn", store, "--none", photos / "task3" / "flag", "--dry-run", "--json").json
    assert (none["generation"], none["dry_run"], none["images"]) == (None, True, 8)
    assert remember(store) == before


def test_parameter_counts_are_printed_on_request_only(edge, taught, copy_store, photos, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    plain = edge("learn", store, photos / "task3", "--dry-run").out
    assert "parameters" not in plain
    assert plain.splitlines()[1].endswith("; on held-out pictures:")
    assert "parameters are nonzero" in edge("learn", store, photos / "task3", "--dry-run", "--verbose").out
    assert "module" not in edge("classes", store).out
    assert "module" in edge("classes", store, "--verbose").out


def test_forgetting_asks_on_a_terminal_and_nowhere_else(edge, taught, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    code, out, shown = on_a_terminal(["forget", store, "apple"], b"\n")
    assert (code, out) == (1, "")
    assert "Forget apple (8 pictures)" in shown
    assert "nothing was forgotten" in shown
    assert edge("classes", store, "--json").json["generation"] == 2
    code, out, shown = on_a_terminal(["forget", store, "apple", "--json"], b"y\n")
    assert (code, json.loads(out)["forgotten"]) == (0, "apple")
    code, out, shown = on_a_terminal(["forget", store, "brick", "--yes", "--json"], b"")
    assert (code, json.loads(out)["forgotten"]) == (0, "brick")
    assert "[y/N]" not in shown
    assert edge("forget", store, "cone", "--json").json["forgotten"] == "cone"


def test_csv_has_a_header_and_a_line_for_each_picture_and_each_error(edge, taught, asked, tmp_path):
    broken = tmp_path / "a, b.jpg"
    broken.write_bytes(b"no picture")
    paths = [asked / "apple" / "100.jpg", broken, asked / "zebra" / "100.jpg"]
    ran = edge("predict", taught, *paths, "--csv")
    assert ran.code == 1
    header, *rows = csv.reader(ran.out.splitlines())
    assert header == ["path", "label", "probability", "unknown", "error"]
    assert [row[0] for row in rows] == [str(path) for path in paths]
    known = edge("predict", taught, paths[0], "--json").json
    assert rows[0][1:] == ["apple", str(known["probability"]), "false", ""]
    assert rows[1][1:4] == ["", "", ""]
    assert rows[1][4].startswith("a, b.jpg: ")
    assert rows[2][3] == "true"
    assert edge("predict", taught, *paths, "--csv", "--json").code == 2


def test_standard_input_patterns_and_videos_are_answered(edge, taught, asked, tmp_path):
    picture = asked / "cone" / "100.jpg"
    ran = run_with(["predict", taught, "-", "--json"], picture.read_bytes())
    assert json.loads(ran.stdout)["path"] == "-"
    alone = edge("predict", taught, picture, "--json").json
    assert json.loads(ran.stdout)["top"] == alone["top"]
    ran = run_with(["predict", taught, "-", "--json"], f"{picture}\n{picture.parent}\n".encode())
    assert len(ran.stdout.splitlines()) == 4
    ran = edge("predict", taught, asked / "cone" / "*.jpg", "--json")
    assert [line["path"] for line in ran.lines] == sorted(map(str, picture.parent.iterdir()))
    clip = tmp_path / "clip.mjpeg"
    clip.write_bytes(picture.read_bytes() * 31)
    frames = edge("predict", taught, clip, "--every", "1s", "--json").lines
    assert [(line["path"], line["at"]) for line in frames] == [(f"{clip}#t={at}", at) for at in (0, 1, 2)]
    assert all(line["top"] == alone["top"] for line in frames)
    burst = edge("predict", taught, clip, "--every", "1s", "--burst", "--json").json
    assert burst["paths"] == [f"{clip}#t={at}" for at in (0, 1, 2)]
