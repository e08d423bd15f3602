"""Backups: whole, verified, for their owner only, and without the classes that were forgotten since."""

import json
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.torture.verbs import DIMENSIONS, teach

from edge_tosca import Learner
from edge_tosca.errors import StoreError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class
from edge_tosca.learner.restore import copies_of, erase_in_copies, restore
from edge_tosca.learner.verification import verify
from edge_tosca.store.backup import backup
from edge_tosca.store.copies import known_copies
from edge_tosca.store.encryption import encrypt, is_encrypted
from edge_tosca.store.format_upgrade import MAX_COPIES
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnails import Thumbnails

FORMAT_1 = Path(__file__).parents[2] / "data" / "store_format_1.tosca"


class Jpeg:
    def __init__(self, jpeg):
        self.jpeg, self.sharpness = jpeg, 1.0


@pytest.fixture
def shop(tmp_path, plain):
    store = Store.create(tmp_path / "shop.tosca", {**plain, "feature_dim": str(DIMENSIONS)})
    teach(store, "first", {"mug": 4, "pen": 4})
    yield store
    store.close()


def labels(path, key_file=None):
    store = Store.open(path, key_file)
    try:
        assert verify(store, solve=False).discrepancies == ()
        return set(store.state().labels)
    finally:
        store.close()


def ever(path):
    store = Store.open(path)
    try:
        return {group.label for task in store.tasks_ever() for group in task.groups}
    finally:
        store.close()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm")))


def test_a_copy_that_is_made_while_the_store_is_written_is_of_one_moment(shop, tmp_path):
    with shop.transaction():
        shop.set_setting("max_bytes", "123456789")
        copied = backup(shop.path, tmp_path / "copy.tosca")
    copy = Store.open(tmp_path / "copy.tosca")
    assert "max_bytes" not in copy.settings
    copy.close()
    assert labels(tmp_path / "copy.tosca") == {"mug", "pen"}
    assert copied.generation == shop.latest()
    assert copied.head != shop.audit_log.all()[-1].digest


def test_a_copy_is_for_its_owner_only_whatever_the_umask(shop, tmp_path):
    before = os.umask(0)
    try:
        backup(shop.path, tmp_path / "copy.tosca")
    finally:
        os.umask(before)
    for name in ("copy.tosca", "shop.tosca.copies"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_nothing_is_overwritten_without_force(shop, tmp_path):
    copy = tmp_path / "copy.tosca"
    copy.write_text("a letter")
    with pytest.raises(StoreError, match=r"copy.tosca exists already; .*--force"):
        backup(shop.path, copy)
    assert copy.read_text() == "a letter"
    backup(shop.path, copy, force=True)
    assert labels(copy) == {"mug", "pen"}


@pytest.mark.parametrize("target", ["shop.tosca", "link.tosca", "no/copy.tosca", "."])
def test_a_copy_that_cannot_be_is_refused_in_one_line(shop, tmp_path, target):
    (tmp_path / "link.tosca").symlink_to("shop.tosca")
    with pytest.raises(StoreError) as caught:
        backup(shop.path, tmp_path / target, force=True)
    assert "\n" not in str(caught.value)
    assert labels(shop.path) == {"mug", "pen"}


def test_a_store_that_was_changed_by_another_program_is_not_copied(shop, tmp_path):
    with sqlite3.connect(shop.path) as connection:
        connection.execute("UPDATE features SET data = zeroblob(length(data)) WHERE id = 1")
    connection.close()
    before = names(tmp_path)
    with pytest.raises(StoreError, match=r"shop.tosca was changed outside edge-tosca, and no copy"):
        backup(shop.path, tmp_path / "copy.tosca")
    assert names(tmp_path) == before


def test_a_full_disk_leaves_nothing(shop, tmp_path):
    before = names(tmp_path)
    shop.checkpoint(wait=True)
    command = [sys.executable, "-m", "edge_tosca", "store", "backup", str(shop.path), str(tmp_path / "copy")]
    most = shop.path.stat().st_size // 2
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert str(tmp_path / "copy") in ran.stderr
    assert names(tmp_path) == before


def test_an_encrypted_store_stays_encrypted_in_the_copy(shop, tmp_path):
    key = tmp_path / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    path, copy = shop.path, tmp_path / "copy.tosca"
    shop.close()
    encrypt(path, key)
    with pytest.raises(StoreError, match="is encrypted; give its key"):
        backup(path, copy)
    assert not copy.exists()
    backup(path, copy, key)
    assert is_encrypted(copy)
    assert b"mug" not in copy.read_bytes()
    forgetting = Store.open(path, key)
    forget_class(forgetting, "mug")
    forgetting.close()
    assert b"mug" not in Path(f"{path}.forgotten").read_bytes()
    assert restore(copy, path, key, force=True).forgotten == ("mug",)
    assert labels(path, key) == {"pen"}


def test_kept_pictures_go_with_the_copy_if_they_are_asked_for(shop, tmp_path):
    kept = Thumbnails(shop.path)
    kept.turn_on()
    kept.keep(shop.state().tasks[0], {"mug": [Jpeg(b"a mug")], "pen": [Jpeg(b"a pen")]})
    backup(shop.path, tmp_path / "without.tosca")
    backup(shop.path, tmp_path / "with.tosca", pictures=True)
    assert not (tmp_path / "without.tosca.pictures").exists()
    assert stat.S_IMODE((tmp_path / "with.tosca.pictures").stat().st_mode) == 0o600
    kept.turn_off()
    forget_class(shop, "mug")
    path = shop.path
    shop.close()
    restore(tmp_path / "with.tosca", path, force=True)
    content = Path(f"{path}.pictures").read_bytes()
    assert b"a pen" in content
    assert b"a mug" not in content


def test_a_restored_store_has_nothing_that_was_forgotten_since(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    backup(path, copy)
    rename_class(shop, "mug", "cup", merge=False)
    forget_class(shop, "cup")
    shop.close()
    with pytest.raises(StoreError, match=r"shop.tosca exists already; .*--force"):
        restore(copy, path)
    restored = restore(copy, path, force=True)
    assert restored.forgotten == ("mug",)
    assert labels(path) == ever(path) == {"pen"}
    # Both the store that was replaced and the backup are there still.
    assert ever(restored.kept) == {"pen"}
    assert ever(copy) == {"mug", "pen"}


@pytest.mark.parametrize("lost", ["store", "folder"])
def test_it_holds_if_the_store_is_lost(shop, tmp_path, lost):
    (tmp_path / "stick").mkdir()
    copy, path = tmp_path / "stick" / "copy.tosca", shop.path
    backup(path, copy)
    forget_class(shop, "mug")
    shop.close()
    for file in tmp_path.glob("shop.tosca*" if lost == "folder" else "shop.tosca"):
        file.unlink()
    assert restore(copy, path).forgotten == ("mug",)
    assert ever(path) == {"pen"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_class_that_was_taught_again_is_restored(shop, tmp_path):
    first, second, path = tmp_path / "first.tosca", tmp_path / "second.tosca", shop.path
    backup(path, first)
    forget_class(shop, "mug")
    shop.close()
    # The restored store is another branch of the history, which follows the note as well.
    restore(first, path, force=True)
    again = Store.open(path)
    teach(again, "second", {"mug": 5, "jar": 4})
    again.close()
    backup(path, second)
    assert restore(second, path, force=True).forgotten == ()
    assert labels(path) == {"pen", "mug", "jar"}


def test_another_class_that_had_the_name_once_is_restored(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    backup(path, copy)
    rename_class(shop, "mug", "cup", merge=False)
    teach(shop, "second", {"mug": 5, "jar": 4})
    forget_class(shop, "mug")
    shop.close()
    assert restore(copy, path, force=True).forgotten == ()
    assert labels(path) == {"mug", "pen"}


def test_a_damaged_backup_replaces_nothing(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    backup(path, copy)
    with sqlite3.connect(copy) as connection:
        connection.execute("UPDATE features SET data = zeroblob(length(data)) WHERE id = 1")
    connection.close()
    shop.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"copy.tosca was changed outside edge-tosca"):
        restore(copy, path, force=True)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("shop.tosca.replaced*"))


def test_a_damaged_store_is_replaced_and_kept(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    backup(path, copy)
    shop.close()
    path.write_bytes(b"no database")
    restored = restore(copy, path, force=True)
    assert labels(path) == {"mug", "pen"}
    assert restored.kept.read_bytes() == b"no database"


def test_a_store_that_another_process_has_open_is_not_replaced(shop, tmp_path):
    copy = tmp_path / "copy.tosca"
    backup(shop.path, copy)
    with pytest.raises(StoreError, match=r"another process has .*shop.tosca open; stop it"):
        restore(copy, shop.path, force=True)
    teach(shop, "second", {"jar": 4, "key": 4})
    assert labels(shop.path) == {"mug", "pen", "jar", "key"}


def test_a_store_is_restored_where_its_link_leads(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    backup(path, copy)
    shop.close()
    (tmp_path / "link.tosca").symlink_to("shop.tosca")
    restore(copy, tmp_path / "link.tosca", force=True)
    assert (tmp_path / "link.tosca").is_symlink()
    assert labels(path) == {"mug", "pen"}


def test_forget_names_the_copies_and_erases_in_them(shop, tmp_path):
    here, gone = tmp_path / "here.tosca", tmp_path / "gone.tosca"
    backup(shop.path, here)
    backup(shop.path, gone)
    gone.unlink()
    forget_class(shop, "mug")
    assert {(one.path.name, one.state) for one in copies_of(shop.path)} == {
        ("here.tosca", "may have it"),
        ("gone.tosca", "not there"),
    }
    assert ever(here) == {"mug", "pen"}
    erase_in_copies(shop.path)
    assert ever(here) == {"pen"}
    assert labels(here) == {"pen"}
    assert [one.path.name for one in copies_of(shop.path)] == ["gone.tosca"]


def test_a_forget_that_fails_leaves_no_note(shop, monkeypatch):
    monkeypatch.setattr(shop.audit_log, "end", lambda settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        forget_class(shop, "mug")
    assert Path(f"{shop.path}.forgotten").read_text() == ""
    assert labels(shop.path) == {"mug", "pen"}


def test_notes_that_cannot_be_read_stop_what_would_undo_them(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    backup(path, copy)
    Path(f"{path}.forgotten").write_text("{}\n")
    with pytest.raises(StoreError, match=r"shop.tosca.forgotten is damaged; restore a copy of it"):
        forget_class(shop, "mug")
    shop.close()
    with pytest.raises(StoreError, match=r"shop.tosca.forgotten is damaged"):
        restore(copy, path, force=True)


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.tosca"
    shutil.copy(FORMAT_1, path)
    path.chmod(0o644)
    return path


def test_a_copy_is_kept_before_a_format_is_upgraded(old):
    store = Store.open(old)
    rename_class(store, "tile", "brick", merge=False)
    store.close()
    (copy,) = known_copies(old)
    assert copy.name.startswith("old.tosca.format-1-")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = restore(copy, old, force=True)
    assert labels(old) == {"apple", "tile", "door"}
    reopened = Store.open(old)
    assert reopened.query("PRAGMA user_version") == [(1,)]
    reopened.close()
    assert "brick" in labels(restored.kept)


def test_at_most_three_are_kept_and_none_of_a_change_that_does_not_happen(old):
    for _ in range(MAX_COPIES + 1):
        shutil.copy(FORMAT_1, old)
        store = Store.open(old)
        with pytest.raises(RuntimeError), store.transaction():
            raise RuntimeError
        rename_class(store, "tile", "brick", merge=False)
        store.close()
    assert len(known_copies(old)) == MAX_COPIES


def test_no_copy_is_kept_before_a_class_is_erased_or_a_store_encrypted(old, tmp_path):
    store = Store.open(old)
    forget_class(store, "tile")
    store.close()
    assert known_copies(old) == []
    shutil.copy(FORMAT_1, old)
    (tmp_path / "key").write_text("5a" * 32)
    (tmp_path / "key").chmod(0o600)
    encrypt(old, tmp_path / "key")
    assert known_copies(old) == []


def limited(most):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_init_without_room_leaves_no_file(tmp_path):
    command = [sys.executable, "-m", "edge_tosca", "init", str(tmp_path / "shop.tosca")]
    for most in (0, 1000, 40_000):
        ran = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited(most))
        assert ran.returncode == 1, most
        assert len(ran.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == [], most


def test_init_on_a_full_disk_leaves_no_file(tmp_path):
    script = (
        f"mount -t tmpfs -o size=16k none {tmp_path} && "
        f"dd if=/dev/zero of={tmp_path}/full bs=4k 2>/dev/null; "
        f"mountpoint -q {tmp_path} || exit 77; {sys.executable} -m edge_tosca init {tmp_path}/shop.tosca; "
        f"code=$?; ls {tmp_path}; exit $code"
    )
    ran = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
    if "unshare" in ran.stderr or ran.returncode == 77:
        pytest.skip("no file system may be mounted here")
    assert "the disk is full" in ran.stderr
    assert ran.stdout.split() == ["full"]


def test_features_are_the_same_to_the_last_bit(shop, tmp_path):
    backup(shop.path, tmp_path / "copy.tosca")
    copy = Store.open(tmp_path / "copy.tosca")
    for one, other in zip(shop.state().groups, copy.state().groups, strict=True):
        assert np.array_equal(shop.features(one), copy.features(other))
    copy.close()


def test_the_names_beside_a_store_are_those_that_later_versions_read(shop, tmp_path):
    backup(shop.path, tmp_path / "copy.tosca")
    forget_class(shop, "mug")
    assert Path(f"{shop.path}.copies").read_text() == json.dumps(str(tmp_path / "copy.tosca")) + "\n"
    for place in (shop.path, tmp_path / "copy.tosca"):
        assert stat.S_IMODE(Path(f"{place}.forgotten").stat().st_mode) == 0o600
        (note,) = map(json.loads, Path(f"{place}.forgotten").read_text().splitlines())
        assert set(note) == {"id", "at", "erased", "kept", "salt", "name"}
        (task,) = shop.tasks_ever()
        assert note["erased"] == [[1, task.learned_at]]
        assert shop.settings["forgotten"] == note["id"]
        assert "mug" not in json.dumps(note)


def edge(*words):
    command = [sys.executable, "-m", "edge_tosca", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_verbs_say_what_was_done_and_what_is_left(shop, tmp_path):
    copy, path = tmp_path / "copy.tosca", shop.path
    shop.close()
    assert f"{copy} is a verified copy of {path}: generation 1" in edge("store", "backup", path, copy).stdout
    ran = edge("store", "backup", path, copy)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    said = edge("store", "restore", copy, path, "--force", "--json")
    answer = json.loads(said.stdout)
    assert set(answer) == {"store", "file", "generation", "head", "bytes", "forgotten", "kept"}
    key = tmp_path / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    assert f"{copy}: a copy that is not encrypted" in edge("store", "encrypt", path, "--key-file", key).stdout


def test_forgetting_in_the_copies_can_be_made_up_for(tmp_path):
    path, copy = tmp_path / "shop.tosca", tmp_path / "copy.tosca"
    assert edge("init", path).returncode == 0
    teach_wide(path)
    assert edge("store", "backup", path, copy).returncode == 0
    said = edge("forget", path, "mug", "--json")
    assert json.loads(said.stdout)["copies"] == [{"path": str(copy), "state": "may have it", "reason": ""}]
    said = edge("forget", path, "mug", "--backups")
    assert said.returncode == 0, said.stderr
    assert "mug was forgotten in" in said.stdout
    assert ever(copy) == {"pen"}
    assert edge("forget", path, "cup", "--backups").returncode == 1


def teach_wide(path):
    learner = Learner.open(path)
    rng = np.random.default_rng(0)
    width = int(learner.store.settings["feature_dim"])
    learner.learn_features(
        {label: rng.gamma(1.0, 1.0, (4, width)).astype(np.float32) for label in ("mug", "pen")}, force=True
    )
    learner.close()
