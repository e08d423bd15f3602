"""A file that was put back beside a log that is not its own is refused before anything of it is lost."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.torture.verbs import few, locked, reopen, snapshot, teach

from edge_tosca.errors import StoreError
from edge_tosca.learner.history import rename_class
from edge_tosca.store import wal_check
from edge_tosca.store.encryption import is_encrypted
from edge_tosca.store.maintenance import compact


@pytest.fixture(params=["plain", "encrypted"])
def make(request):
    return locked(few) if request.param == "encrypted" else few


def log_of(path):
    return Path(f"{path}-wal")


def written_back(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def left_by_a_kill(path, folder, *lessons, empty_after=0):
    """Teach a store, and copy its folder as a kill leaves it; the first lessons are written back before."""
    store = reopen(path)
    for number, label in enumerate(lessons, 1):
        teach(store, f"task of {label}", {label: 5})
        if number == empty_after:
            store.scrub()
    left = shutil.copytree(path.parent, folder) / path.name
    store.close()
    Path(f"{left}-shm").unlink()
    assert log_of(left).stat().st_size
    return left


def refused(path):
    """Whether a store is refused in one line that names the remedy, and nothing of it is changed."""
    before = path.read_bytes(), log_of(path).read_bytes()
    with pytest.raises(StoreError, match=f"delete {log_of(path)}") as caught:
        reopen(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match="not of the same state of one store"):
        is_encrypted(path)
    assert (path.read_bytes(), log_of(path).read_bytes()) == before
    # The remedy that the line names.
    log_of(path).unlink()
    return True


@pytest.fixture
def shop(make, tmp_path):
    path = tmp_path / "made" / "shop.tosca"
    path.parent.mkdir()
    make(path)
    return path


def test_a_log_of_its_own_is_read(shop, tmp_path):
    left = left_by_a_kill(shop, tmp_path / "left", "wheel", "zebra")
    assert snapshot(left) == snapshot(shop)


def test_a_log_of_its_own_is_found_through_a_link(shop, tmp_path):
    left = left_by_a_kill(shop, tmp_path / "left", "wheel")
    (tmp_path / "link.tosca").symlink_to(left)
    for key in left.parent.glob("*.key"):
        shutil.copy(key, tmp_path)
    assert snapshot(tmp_path / "link.tosca") == snapshot(shop)


def test_the_whole_log_of_another_store_does_not_take_a_store_s_place(make, shop, tmp_path):
    """All of a young store is in its log: SQLite would answer from it, and then write it over the file."""
    whole = snapshot(shop)
    young = tmp_path / "young" / "shop.tosca"
    young.parent.mkdir()
    make(young)
    log = left_by_a_kill(young, tmp_path / "other", "wheel", "zebra")
    with closing(sqlite3.connect(young)) as connection:
        # Every page is written to the log again.
        connection.execute("VACUUM")
        shutil.copy(log_of(young), log_of(log))
    shutil.copy(log_of(log), log_of(shop))
    assert refused(shop)
    assert snapshot(shop) == whole


def test_a_log_of_an_earlier_day_does_not_take_a_file_back(shop, tmp_path):
    early = left_by_a_kill(shop, tmp_path / "left", "wheel")
    store = reopen(shop)
    teach(store, "later", {"zebra": 5})
    store.close()
    later = snapshot(shop)
    shutil.copy(log_of(early), log_of(shop))
    assert refused(shop)
    assert snapshot(shop) == later


def test_a_file_of_an_earlier_day_does_not_get_half_of_a_later_one(shop, tmp_path):
    """What was written back between the two days is in neither of them."""
    backup = Path(shutil.copy(shop, tmp_path / "backup.tosca"))
    day = snapshot(shop)
    left = left_by_a_kill(shop, tmp_path / "left", "wheel", "zebra", empty_after=1)
    shutil.copy(backup, left)
    assert refused(left)
    assert snapshot(left) == day


def test_a_log_does_not_bring_more_changes_than_it_has_commits(shop, tmp_path, monkeypatch):
    left = left_by_a_kill(shop, tmp_path / "left", "cup", "wheel", "zebra", empty_after=1)
    assert wal_check._commits(log_of(left)) == 2
    monkeypatch.setattr(wal_check, "_commits", lambda log: 1)
    assert refused(left)


def test_a_file_that_went_another_way_is_not_mixed_with_the_log_of_the_first(shop, tmp_path):
    """Two boxes that began with copies of one store, and the file of one beside the log of the other."""
    other = shutil.copytree(shop.parent, tmp_path / "other") / shop.name
    left = left_by_a_kill(shop, tmp_path / "left", "wheel")
    store = reopen(other)
    rename_class(store, "apple", "pear", merge=False)
    store.close()
    went = snapshot(other)
    shutil.copy(log_of(left), log_of(other))
    assert refused(other)
    assert snapshot(other) == went


def test_a_file_that_was_compacted_is_not_mixed_with_the_log_of_before(shop, tmp_path):
    store = reopen(shop)
    teach(store, "more", {"wheel": 60})
    teach(store, "most", {"zebra": 60})
    store.close()
    left = left_by_a_kill(shop, tmp_path / "left", "gauge")
    compacted = shutil.copytree(left.parent, tmp_path / "compacted") / left.name
    store = reopen(compacted)
    compact(store)
    store.close()
    whole = snapshot(compacted)
    shutil.copy(log_of(left), log_of(compacted))
    assert refused(compacted)
    assert snapshot(compacted) == whole


def test_a_new_store_begins_without_the_log_of_one_that_was_deleted(shop, make, tmp_path):
    left = left_by_a_kill(shop, tmp_path / "left", "wheel")
    left.unlink()
    make(left)
    assert [name for name, *_ in snapshot(left)[1]] == ["first", "second"]


def test_a_reader_and_a_writer_at_work_are_not_taken_for_strangers(shop):
    writer = reopen(shop)
    reader = reopen(shop)
    for number in range(4):
        with reader.snapshot():
            reader.state()
            teach(writer, f"task {number}", {f"new {number}": 4})
            reopen(shop).close()
        if number == 2:
            written_back(shop)
        reopen(shop).close()
    writer.close()
    reader.close()


@pytest.mark.parametrize("instead", ["another store", "nothing"])
def test_a_store_that_was_replaced_while_it_was_open_is_not_written_to(make, shop, tmp_path, instead):
    """The lesson would be told as done, and lost with a file that has no name any more."""
    other = shutil.copytree(shop.parent, tmp_path / "other") / shop.name
    store = reopen(shop)
    teach(store, "third", {"wheel": 5})
    shop.unlink() if instead == "nothing" else other.replace(shop)
    log = log_of(shop).read_bytes()
    for change in (lambda: teach(store, "fourth", {"zebra": 5}), lambda: compact(store)):
        with pytest.raises(StoreError, match="was moved or replaced while it was open"):
            change()
    assert log_of(shop).read_bytes() == log
    store.close()


def test_a_folder_that_is_left_takes_no_store_away(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(shop.parent)
    store = reopen(Path(shop.name))
    monkeypatch.chdir(tmp_path)
    teach(store, "third", {"wheel": 5})
    store.close()
    assert len(snapshot(shop)[1]) == 3
