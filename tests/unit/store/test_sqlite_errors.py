"""What stands in the way of a store is told by its name, with a remedy that helps."""

import os
import sqlite3

import pytest

from edge_tosca.errors import StoreError, what_and_remedy
from edge_tosca.store.sqlite_errors import obstacle, sqlite_errors


@pytest.fixture
def closed_to_us(monkeypatch):
    """Let the system refuse to write one file: whoever runs the tests may be root, whom no mode stops."""
    allows = os.access

    def refuse(file):
        def answer(path, mode):
            return allows(path, mode) and not (mode & os.W_OK and os.fspath(path) == os.fspath(file))

        monkeypatch.setattr("os.access", answer)

    return refuse


@pytest.fixture
def shop(tmp_path):
    """A store with the files that SQLite lays beside it."""
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"shop.tosca{suffix}").touch()
    return tmp_path / "shop.tosca"


def line(path, reason, **options):
    with pytest.raises(StoreError) as caught, sqlite_errors(path, **options):
        raise sqlite3.OperationalError(reason)
    return str(caught.value)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_the_file_that_may_not_be_written_is_named(shop, closed_to_us, suffix):
    assert obstacle(shop) is None
    closed_to_us(f"{shop}{suffix}")
    message = line(shop, "attempt to write a readonly database")
    assert f"{shop}{suffix} may not be written" in message
    assert f"chmod u+w {shop}{suffix}" in message
    # The log holds lessons: only what is made anew may be removed.
    assert ("remove it" in message) == (suffix == "-shm")


def test_a_folder_that_may_not_be_written_comes_before_its_files(shop, closed_to_us):
    closed_to_us(shop.parent)
    assert f"check that {shop.parent} allows it" in line(shop, "unable to open database file")


def test_a_folder_that_is_not_there_is_to_be_made(tmp_path):
    message = line(tmp_path / "no" / "shop.tosca", "unable to open database file")
    assert f"there is no folder {tmp_path / 'no'}" in message
    assert "allows it" not in message


def test_only_who_changes_a_store_says_that_nothing_was_changed(shop):
    assert "nothing was changed" not in line(shop, "disk I/O error")
    assert "nothing was changed" in line(shop, "disk I/O error", changing=True)
    assert "nothing was changed" in line(shop, "database or disk is full", changing=True)


def test_the_remedy_is_what_an_error_ends_with():
    error = StoreError("x.tosca: the disk is full; nothing was changed; make room")
    assert what_and_remedy(error) == ("x.tosca: the disk is full; nothing was changed", "make room")
    assert what_and_remedy(StoreError("x.tosca: no such table")) == ("x.tosca: no such table", "")
