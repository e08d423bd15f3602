"""A store on media that are mounted read-only answers, is verified, and refuses changes in one line."""

import shutil
import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def shop(taught, copy_store, tmp_path):
    (tmp_path / "media").mkdir()
    return copy_store(taught, tmp_path / "media" / "shop.tosca")


@pytest.fixture
def on_media(edge, shop, read_only):
    """Run a verb where the store's folder is mounted read-only: on_media("classes", shop)."""
    return lambda *args: edge(*args, before=read_only(shop.parent))


def test_a_store_without_a_log_is_read_and_verified(on_media, shop, taught, asked, edge):
    picture = asked / "apple" / "101.jpg"
    for verb in (
        ("predict", "{}", picture),
        ("evaluate", "{}", asked),
        ("classes", "{}"),
        ("history", "{}"),
        ("verify", "{}"),
        ("store", "check", "{}"),
    ):
        found, expected = (
            run(*(at if word == "{}" else word for word in verb), "--json")
            for run, at in ((on_media, shop), (edge, taught))
        )
        assert found.code == expected.code == 0, found.err
        for name in ("label", "accuracy", "classes", "generations", "ok", "head"):
            assert [line.get(name) for line in found.lines] == [line.get(name) for line in expected.lines]
    assert on_media("store", "stats", shop).code == 0
    assert on_media("init", shop, "--if-missing").code == 0
    assert [file.name for file in shop.parent.iterdir()] == ["shop.tosca"]


def test_the_doctor_finds_a_store_on_read_only_media_sound(on_media, shop):
    findings = {one["what"]: one for one in on_media("doctor", shop, "--json").lines[0]["findings"]}
    for what in ("disk writable", "store pages", "store writable", "store content", "store origin"):
        assert findings[what]["ok"], findings[what]
    assert "read but not taught" in findings["store writable"]["detail"]


def test_changes_are_refused_in_one_line_before_any_work(on_media, shop, photos):
    before = shop.read_bytes()
    for verb in (
        ("learn", shop, photos / "task3"),
        ("forget", shop, "apple"),
        ("rename", shop, "apple", "pear"),
        ("rollback", shop),
        ("store", "compact", shop),
        ("store", "limit", shop, 10**6),
    ):
        complaint = on_media(*verb).complaint
        assert (
            f"{shop} can be read but not changed ({shop.parent} is on a read-only file system)" in complaint
        )
        assert complaint.endswith("mount it writable, or use a copy of the store")
    assert "read-only file system" in on_media("init", shop.with_name("new")).complaint
    assert shop.read_bytes() == before


def test_a_store_with_changes_in_its_log_is_refused_with_the_remedy(on_media, edge, shop, photos):
    with closing(sqlite3.connect(shop)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM settings").fetchone()
        assert edge("learn", shop, photos / "task3").code == 0
        log = shop.with_name("shop.tosca-wal")
        shutil.copy(log, shop.with_name("kept"))
    shop.with_name("kept").rename(log)
    for verb in ("classes", "verify", "doctor"):
        ran = on_media(verb, shop)
        assert ran.code == 1
        said = ran.out if verb == "doctor" else ran.complaint
        assert f"{log} holds changes that are not in it yet" in said
        assert f"edge-tosca store check {shop}" in said
    # The remedy helps.
    assert edge("store", "check", shop).code == 0
    assert "flag" in on_media("classes", shop).out


def test_an_empty_log_and_old_shared_memory_are_no_obstacle(on_media, shop):
    for suffix in ("-wal", "-shm"):
        shop.with_name(f"shop.tosca{suffix}").touch()
    assert on_media("classes", shop, "--json").code == 0


def test_a_camera_is_watched(start, finish, shop, asked, read_only, tmp_path):
    frames = tmp_path / "cam.mjpeg"
    frames.write_bytes((asked / "apple" / "101.jpg").read_bytes() * 10)
    camera = f"{frames}?fps=12&loop=1"
    ran = finish(start("watch", shop, "--camera", camera, "--answers", 3, before=read_only(shop.parent)))
    assert (ran.code, ran.err, [line["label"] for line in ran.lines]) == (0, "", ["apple"])
