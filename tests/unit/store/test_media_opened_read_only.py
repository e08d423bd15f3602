"""A store without a log can be read where nothing can be written; the real mounts are in tests/end_to_end."""

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from edge_tosca.errors import ReadOnlyStoreError, StoreError, what_and_remedy
from edge_tosca.learner.verification import verify
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import owner_of
from edge_tosca.store.thumbnails import Thumbnails


@pytest.fixture
def shop(tmp_path, plain):
    path = tmp_path / "s"
    Store.create(path, plain).close()
    return path


@pytest.fixture
def no_writing(shop, monkeypatch):
    """Let the folder forbid writing, as it does to a user without rights: root may run these tests."""
    allows = os.access
    folder = shop.parent

    def answer(path, how, **options):
        return allows(path, how, **options) and not (how & os.W_OK and Path(path) == folder)

    monkeypatch.setattr("os.access", answer)


def refused(change):
    with pytest.raises(ReadOnlyStoreError) as caught:
        change()
    what, remedy = what_and_remedy(caught.value)
    assert "can be read but not changed" in what and remedy
    return str(caught.value)


@pytest.mark.usefixtures("no_writing")
def test_a_store_in_a_folder_without_rights_is_read_and_no_file_appears_beside_it(shop):
    for suffix in ("", "-wal"):
        Path(f"{shop}{suffix}").touch()
        with closing(Store.open(shop)) as store:
            assert store.read_only and store.checkpoint()
            assert store.page_faults() == []
            assert verify(store).discrepancies == ()
    assert {file.name for file in shop.parent.iterdir()} == {"s", "s-wal"}


@pytest.mark.usefixtures("no_writing")
def test_every_change_is_refused_in_one_line_with_a_remedy(shop):
    with closing(Store.open(shop)) as store:
        message = refused(lambda: store.transaction().__enter__())
        assert f"check that {shop.parent} allows it" in message
        refused(store.vacuum)
        refused(store.require_writable)
    refused(Thumbnails(shop).turn_on)


def test_kept_pictures_are_shown_and_not_touched(shop, request):
    with closing(Thumbnails(shop)) as kept:
        kept.turn_on()
        with closing(Store.open(shop)) as store:
            owner = owner_of(store)
        kept.follow(owner)
        kept._connection.execute("INSERT INTO pictures VALUES ('a', 1, 'then', 0, x'ffd8')")
    request.getfixturevalue("no_writing")
    with closing(Thumbnails(shop)) as kept:
        assert kept.follow(owner) == 0
        assert kept.on and kept.picture("a") == b"\xff\xd8"
        refused(kept.turn_off)


@pytest.mark.parametrize("change", ["file", "log"])
def test_a_file_that_changes_all_the_same_is_to_be_opened_again(shop, request, change):
    other = shop.with_name("other")
    shutil.copy(shop, other)
    with closing(Store.open(other)) as writer, writer.transaction():
        writer.set_setting("refused", "0.25")
    request.getfixturevalue("no_writing")
    with closing(Store.open(shop)) as store:
        with store.snapshot():
            assert store.latest() == 0
        assert not store.outdated
        if change == "file":
            shop.write_bytes(other.read_bytes())
        else:
            Path(f"{shop}-wal").write_bytes(b"\0" * 4152)
        assert store.outdated
        for read in (store.latest, store.snapshot().__enter__):
            with pytest.raises(StoreError, match="open it again"):
                read()


def test_a_store_that_was_opened_where_it_could_not_be_written_says_so_when_that_changed(shop, monkeypatch):
    with monkeypatch.context() as meanwhile:
        allows = os.access
        meanwhile.setattr("os.access", lambda path, how, **options: not how & os.W_OK and allows(path, how))
        store = Store.open(shop)
    with closing(store), pytest.raises(StoreError, match="open it again"):
        store.require_writable()


def test_a_writable_store_is_read_as_ever(shop):
    with closing(Store.open(shop)) as store:
        assert not store.read_only
        with store.transaction():
            store.set_setting("refused", "0.1")
        assert not store.outdated
