"""Folders of strangers through the command line: every name is told as it is, and nothing hangs."""

import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest

NAMES = (b"two\nlines.jpg", b"\x1b[31mred\x07.jpg", b"\xff\xfe.jpg", b"tab\t.jpg", "中文 🍎.jpg".encode())


@pytest.fixture
def named(asked, tmp_path):
    """A class folder of pictures whose names are no plain text, and of what is no file."""
    folder = tmp_path / "photos" / "zebra"
    folder.mkdir(parents=True)
    source = asked / "zebra" / "100.jpg"
    for name in NAMES:
        shutil.copy(source, folder / os.fsdecode(name))
    (folder / os.fsdecode(b"spoilt\xff\n.jpg")).write_text("dear diary")
    os.mkfifo(folder / os.fsdecode(b"pipe\xfe.jpg"))
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "zero.jpg").symlink_to("/dev/zero")
    return folder


def test_names_that_are_no_text_are_told_whole_in_json(edge, taught, named):
    ran = edge("predict", taught, named, "--json")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    told = {line["path"] for line in ran.lines}
    assert {os.fsencode(path).rsplit(b"/", 1)[1] for path in told} == {
        *NAMES,
        b"spoilt\xff\n.jpg",
        b"pipe\xfe.jpg",
        # The links to nowhere and out of the folder.
        b"loop.jpg",
        b"zero.jpg",
    }
    assert sum("label" in line for line in ran.lines) == len(NAMES)


def test_names_that_are_no_text_are_told_in_one_line_each_to_people(edge, taught, named):
    ran = edge("predict", taught, named)
    assert ran.code == 1
    assert len(ran.out.splitlines()) == len(NAMES)
    assert len(ran.err.splitlines()) == 4
    assert "\x1b" not in ran.out + ran.err


def test_a_class_of_such_pictures_is_learned_and_its_report_kept(edge, taught, copy_store, named, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    report = edge("learn", store, named.parent, "--json", "--remember").json
    assert report["images"] == len(NAMES)
    # The links to nowhere and out of the folder, too.
    assert len(report["skipped"]) == 4
    history = edge("history", store, "--json").json["generations"]
    assert len(history[-1]["report"]["skipped"]) == 4
    assert edge("verify", store, "--json").json["ok"]
    with closing(sqlite3.connect(store)) as connection:
        (text,) = connection.execute("SELECT report FROM generations ORDER BY number DESC").fetchone()
    assert json.loads(text)["images"] == len(NAMES)


def test_a_class_folder_whose_name_is_no_text_is_refused_in_one_line(edge, taught, asked, tmp_path):
    shutil.copytree(asked / "zebra", tmp_path / "photos" / os.fsdecode(b"\xff\xfe"))
    assert "not text in UTF-8" in edge("learn", taught, tmp_path / "photos").complaint


@pytest.mark.parametrize("task", [b"\xff\xfe", b"two\nlines", b"\x1b[2J"])
def test_a_task_of_any_name_is_learned_or_refused_in_one_line(
    edge, taught, copy_store, asked, tmp_path, task
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    ran = edge("learn", store, "--class", "zebra", asked / "zebra", "--task", os.fsdecode(task), "--json")
    if ran.code:
        assert "no text" in ran.complaint
    else:
        assert edge("classes", store).code == 0


@pytest.mark.parametrize("length", [4096, 20_000])
def test_a_path_beyond_what_the_system_takes_is_told_in_one_line(edge, taught, length):
    path = "/" + "a/" * (length // 2) + "x.jpg"
    for verb in ("learn", "evaluate"):
        assert edge(verb, taught, path).complaint
    ran = edge("predict", taught, path, "--json")
    assert ran.code == 1
    assert [set(line) for line in ran.lines] == [{"path", "error"}]
    for verb in ("classes", "init"):
        assert edge(verb, path).complaint


def test_a_pipe_in_place_of_a_store_a_pack_a_key_or_a_bundle_is_refused_at_once(edge, taught, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    os.mkfifo(bundle / "manifest.json")
    for words in (
        ("classes", pipe),
        ("init", pipe),
        ("pack", "inspect", pipe),
        ("pack", "import", taught, pipe),
        ("pack", "trust", taught, pipe),
        ("init", tmp_path / "new.tosca", "--backbone", bundle),
    ):
        assert "Traceback" not in edge(*words).complaint


def test_a_store_with_a_trigger_or_a_view_in_it_is_refused_before_it_is_asked(
    edge, taught, copy_store, tmp_path
):
    endless = "WITH RECURSIVE n(key, value) AS (VALUES ('a', 'b') UNION ALL SELECT * FROM n) SELECT * FROM n"
    for place, statements in enumerate(
        (
            ("CREATE TRIGGER more AFTER INSERT ON generations BEGIN DELETE FROM modules; END",),
            ("DROP TABLE settings", f"CREATE VIEW settings AS {endless}"),
            ("CREATE TABLE songs (name)",),
        )
    ):
        store = copy_store(taught, tmp_path / f"{place}.tosca")
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        assert "did not make" in edge("classes", store).complaint
