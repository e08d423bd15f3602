"""Stores, bundles and disks that fail: one line says why, nothing is half done, no file is harmed."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_tosca.runtime import Bundle

READING = ("classes", "history", "predict", "evaluate")
WRITING = ("learn", "rollback", "forget")


def words(verb, store, photos):
    """A full command line of a verb."""
    return {
        "learn": (verb, store, photos / "task3"),
        "evaluate": (verb, store, photos / "task1"),
        "predict": (verb, store, photos / "task1" / "apple" / "000.jpg"),
        "forget": (verb, store, "apple"),
    }.get(verb, (verb, store))


def other_database(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE songs (name)")


NOT_STORES = {
    "text": lambda path: path.write_text("a shopping list\n"),
    "random": lambda path: path.write_bytes(bytes((7 * n * n + 3) % 251 for n in range(9000))),
    "database": other_database,
    "folder": lambda path: path.mkdir(),
    "empty": lambda path: path.touch(),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("kind", NOT_STORES)
def test_a_file_that_is_no_store_is_refused_and_left_alone(edge, photos, tmp_path, kind):
    path = tmp_path / "shop.tosca"
    NOT_STORES[kind](path)
    before = path.read_bytes() if path.is_file() else None
    for verb in READING + WRITING if kind == "database" else ("predict", "learn"):
        assert str(path) in edge(*words(verb, path, photos)).complaint
    assert (path.read_bytes() if path.is_file() else None) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ([] if kind == "missing" else ["shop.tosca"])


@pytest.mark.parametrize("kind", ["text", "random", "database", "folder"])
def test_init_takes_no_other_files_place(edge, tmp_path, kind):
    path = tmp_path / "shop.tosca"
    NOT_STORES[kind](path)
    before = path.read_bytes() if path.is_file() else None
    assert str(path) in edge("init", path).complaint
    assert (path.read_bytes() if path.is_file() else None) == before


def test_init_does_not_touch_a_store_that_exists(edge, taught, remember):
    before = remember(taught)
    assert str(taught) in edge("init", taught).complaint
    assert remember(taught) == before


def test_init_where_there_is_no_folder(edge, tmp_path):
    assert str(tmp_path / "no") in edge("init", tmp_path / "no" / "shop.tosca").complaint


@pytest.mark.parametrize("verb", ["classes", "predict", "learn", "forget"])
def test_half_a_store_is_told_as_one(edge, taught, copy_store, photos, tmp_path, verb):
    path = copy_store(taught, tmp_path / "shop.tosca")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert str(path) in edge(*words(verb, path, photos)).complaint


@pytest.mark.parametrize("where", ["its header", "its values"])
@pytest.mark.parametrize("table", ["features", "modules", "routers"])
def test_a_damaged_row_is_told_as_damage_and_never_as_a_fault(
    edge, taught, copy_store, photos, tmp_path, table, where
):
    path = copy_store(taught, tmp_path / "shop.tosca")
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, data in connection.execute(f"SELECT rowid, data FROM {table}").fetchall():
            damaged = bytearray(data)
            place = 12 if where == "its header" else len(data) - 40
            damaged[place] ^= 0x5A
            damaged[place + 1] ^= 0x7C
            connection.execute(f"UPDATE {table} SET data = ? WHERE rowid = ?", (bytes(damaged), key))
    for verb in ("predict", "learn"):
        ran = edge(*words(verb, path, photos))
        assert "Traceback" not in ran.err
        assert "a fault of edge-tosca itself" not in ran.err
        if ran.code == 0:
            assert ran.err == ""
        else:
            assert str(path) in ran.complaint


def test_a_module_whose_bytes_do_not_fit_its_name_is_never_used(edge, taught, copy_store, asked, tmp_path):
    path = copy_store(taught, tmp_path / "shop.tosca")
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, data in connection.execute("SELECT rowid, data FROM modules").fetchall():
            damaged = bytearray(data)
            damaged[len(data) // 2] ^= 1
            connection.execute("UPDATE modules SET data = ? WHERE rowid = ?", (bytes(damaged), key))
    # A class list must not present the module as whole either.
    assert str(path) in edge("classes", path).complaint
    ran = edge("predict", path, asked / "apple", "--json")
    # Where the router does not consult the modules, their damage cannot touch an answer.
    assert ran.code == 0 or str(path) in ran.complaint


def test_a_store_of_a_newer_format_asks_for_an_update(edge, taught, copy_store, photos, tmp_path):
    path = copy_store(taught, tmp_path / "shop.tosca")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for verb in ("classes", "predict", "learn"):
        assert "update edge-tosca" in edge(*words(verb, path, photos)).complaint


@pytest.fixture(scope="module")
def own(edge, photos, tmp_path_factory):
    """A bundle beside the program's own, and a store that was taught with it."""
    folder = tmp_path_factory.mktemp("own")
    bundle = shutil.copytree(Bundle.load().path, folder / "bundle")
    assert edge("init", folder / "shop.tosca", "--backbone", bundle).code == 0
    assert edge("learn", folder / "shop.tosca", photos / "task1").code == 0
    return bundle, folder / "shop.tosca"


@pytest.fixture
def refused(own, edge, photos, remember):
    """What each verb that looks at pictures says of the store; it must not change it."""
    before = remember(own[1])

    def run(*options, verbs=("learn", "predict", "evaluate")):
        lines = [edge(*words(verb, own[1], photos), *options).complaint for verb in verbs]
        assert remember(own[1]) == before
        return lines

    return run


@pytest.fixture
def bundle(own):
    """The bundle, to be damaged: it is whole again after the test."""
    kept = {path: path.read_bytes() for path in own[0].iterdir()}
    yield own[0]
    for path, data in kept.items():
        path.write_bytes(data)


def flip(path, share):
    data = bytearray(path.read_bytes())
    data[int(share * (len(data) - 1))] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("share", [0.0, 0.37, 1.0])
def test_init_refuses_a_bundle_with_one_changed_byte(edge, bundle, tmp_path, share):
    flip(bundle / "backbone.onnx", share)
    line = edge("init", tmp_path / "shop.tosca", "--backbone", bundle).complaint
    assert str(bundle / "backbone.onnx") in line
    assert "export" in line
    assert not (tmp_path / "shop.tosca").exists()


def test_a_store_refuses_its_bundle_once_a_byte_of_it_changed(bundle, refused):
    flip(bundle / "backbone.onnx", 0.5)
    assert all(str(bundle / "backbone.onnx") in line for line in refused())


def test_embed_refuses_a_bundle_with_one_changed_byte(edge, bundle, photos, tmp_path):
    flip(bundle / "backbone.onnx", 0.5)
    ran = edge("embed", photos / "task1", "--out", tmp_path / "f.npz", "--backbone", bundle)
    assert str(bundle / "backbone.onnx") in ran.complaint
    assert not (tmp_path / "f.npz").exists()


def test_a_store_made_with_another_bundle_is_refused_by_name(own, bundle, refused):
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["name"] = "another_backbone"
    manifest["input"]["crop_pct"] = 0.5
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    for line in refused():
        assert str(own[1]) in line
        assert "another_backbone" in line
        assert "init" in line


def test_a_bundle_that_is_gone_is_named(bundle, refused):
    (bundle / "manifest.json").unlink()
    assert all(str(bundle) in line for line in refused(verbs=("learn",)))


@pytest.mark.parametrize(
    ("verb", "room"), [("learn", 4_096), ("learn", 60_000), ("forget", 40_000), ("rollback", 4_096)]
)
def test_a_disk_that_fills_up_leaves_the_store_as_it_was(
    edge, taught, copy_store, photos, remember, small_disk, tmp_path, verb, room
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    before = remember(store)
    ran = edge(*words(verb, store, photos), preexec_fn=small_disk(room))
    assert str(store) in ran.complaint
    assert remember(store) == before
    assert edge(*words(verb, store, photos)).code == 0


def test_init_on_a_full_disk_can_be_said_again(edge, small_disk, tmp_path):
    store = tmp_path / "shop.tosca"
    assert str(store) in edge("init", store, preexec_fn=small_disk(4_096)).complaint
    assert edge("init", store).code == 0


def test_embed_on_a_full_disk_leaves_no_file(edge, photos, small_disk, tmp_path):
    out = tmp_path / "f.npz"
    ran = edge("embed", photos / "task1", "--out", out, preexec_fn=small_disk(20_000))
    assert str(out) in ran.complaint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_answer_that_cannot_be_written_ends_in_one_line(taught, photos):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge_tosca", *map(str, words("predict", taught, photos)), "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def mounted(script):
    """Run a shell script in a mount namespace of its own; skip where that is not permitted."""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs unshare and root")
    probe = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {probe.stderr.decode().strip()}")
    return ["unshare", "-m", "sh", "-euc", script, "sh"]


def test_a_disk_without_room_says_so(edge, taught, photos, copy_store, remember, tmp_path):
    size = taught.stat().st_size + 80_000
    (tmp_path / "disk").mkdir()
    source = copy_store(taught, tmp_path / "source.tosca")
    script = f'mount -t tmpfs -o size={size} none "$0"; cp "$1" "$0/shop.tosca"; shift; "$@" || code=$?; '
    script = script.replace('"$0"', f'"{tmp_path}/disk"').replace('"$0/', f'"{tmp_path}/disk/')
    script += f'cp "{tmp_path}/disk/shop.tosca"* "{tmp_path}/"; exit "${{code:-0}}"'
    store = tmp_path / "disk" / "shop.tosca"
    ran = edge("learn", store, photos / "task3", before=(*mounted(script), str(source)))
    line = ran.complaint
    assert str(store) in line
    assert "full" in line
    assert remember(tmp_path / "shop.tosca") == remember(source)


def test_a_disk_without_any_room_is_told_to_whoever_reads(edge, taught, copy_store, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    source = copy_store(taught, tmp_path / "source.tosca")
    size = source.stat().st_size + 40_000
    script = f'mount -t tmpfs -o size={size} none "{disk}"; cp "{source}" "{disk}/shop.tosca"; '
    script += f'dd if=/dev/zero of="{disk}/rest" bs=1k 2>/dev/null || true; "$@"'
    line = edge("classes", disk / "shop.tosca", before=mounted(script)).complaint
    assert "the disk is full; make room" in line
    ran = edge("doctor", disk / "shop.tosca", before=mounted(script))
    assert "make room" in ran.out
    assert "restore" not in ran.out


def test_a_limit_of_file_sizes_is_named(edge, taught, copy_store, small_disk, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    line = edge("classes", store, preexec_fn=small_disk(1)).complaint
    assert "ulimit -f" in line
    assert "nothing was changed" not in line


@pytest.mark.parametrize("verb", ["learn", "forget", "init"])
def test_a_read_only_folder_is_told_in_one_line(edge, taught, photos, copy_store, remember, tmp_path, verb):
    folder = tmp_path / "archive"
    folder.mkdir()
    store = copy_store(taught, folder / "shop.tosca")
    before = remember(store)
    script = f'mount --bind "{folder}" "{folder}"; mount -o remount,bind,ro "{folder}"; "$@"'
    target = folder / "new.tosca" if verb == "init" else store
    ran = edge(*words(verb, target, photos), before=mounted(script))
    assert str(target) in ran.complaint
    assert remember(store) == before
    assert not (folder / "new.tosca").exists()
