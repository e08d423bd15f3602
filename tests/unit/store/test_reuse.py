"""What an answer reads from a store is read again when the file changes, and not before."""

import pytest
from tests.unit.store.test_store import add_task

from edge_tosca.errors import StoreError
from edge_tosca.store.store import Store


@pytest.fixture
def reads(store):
    """Read one thing in a snapshot again and again; return how often it was read."""
    counted = []

    def read(opened=store):
        with opened.snapshot():
            for _ in range(2):
                opened.reuse("thing", lambda: counted.append(opened.latest()))
        return len(counted)

    return read


def test_an_unchanged_file_is_read_once(reads):
    assert [reads(), reads(), reads()] == [1, 1, 1]


def test_a_change_of_ones_own_or_of_another_is_seen_at_once(store, reads):
    assert reads() == 1
    add_task(store, "one", "apple")
    assert reads() == 2
    other = Store.open(store.path)
    add_task(other, "two", "pear")
    assert (reads(), store.latest()) == (3, 2)
    with other.transaction():
        other.set_setting("strictness", "{}")
    assert reads() == 4
    other.close()


def test_outside_of_a_snapshot_and_in_a_change_everything_is_read(store):
    counted = []
    for _ in range(2):
        store.reuse("thing", lambda: counted.append(0))
    with store.transaction(), store.snapshot():
        for _ in range(2):
            store.reuse("thing", lambda: counted.append(0))
    assert len(counted) == 4


def test_a_store_that_another_process_migrated_stays_refused(store):
    other = Store.open(store.path)
    with other.transaction():
        other.set_setting("fingerprint", "another")
    other.close()
    for _ in range(2):
        with pytest.raises(StoreError, match="migrated"), store.snapshot():
            pass
