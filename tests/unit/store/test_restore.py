"""Restored stores: whole, and without the classes that were forgotten since."""

import json
import sqlite3
import stat
from pathlib import Path

import pytest
from tests.torture.verbs import teach
from tests.unit.store.contents import ever, labels

from edge_tosca.errors import StoreError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class
from edge_tosca.learner.restore import copies_of, erase_in_copies, restore
from edge_tosca.store.backup import backup
from edge_tosca.store.encryption import encrypt, is_encrypted
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import owner_of
from edge_tosca.store.thumbnails import Thumbnails


class Jpeg:
    """A picture to keep."""

    def __init__(self, jpeg):
        self.jpeg, self.sharpness = jpeg, 1.0


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
    kept.keep(shop.state().tasks[0], {"mug": [Jpeg(b"a mug")], "pen": [Jpeg(b"a pen")]}, owner_of(shop))
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
