"""Counts in a store: by the names that classes have now, erased with them, in no pack, encrypted with it."""

import json
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.errors import LearnError, StoreError
from edge_tosca.learner.tally import Seen, add_seen, read_tally, set_tally, tally_days
from edge_tosca.learner.verification import verify
from edge_tosca.live import Place
from edge_tosca.live.dwell import Amount, Dwell, Key
from edge_tosca.live.tally_writer import TallyWriter
from edge_tosca.store import encryption
from edge_tosca.store.store import Store
from edge_tosca.store.tally import MAX_COUNTS

HOUR = 500_000
NOW = 3600.0 * HOUR


def seen(label, hour=HOUR, region="left", times=1, seconds=2.0):
    return Seen(hour, "gate", region, label, times, seconds)


def features(learner, *labels):
    """Eight features a class; those of a label are alike in every call."""
    width = sum(learner.store.widths)
    rng = np.random.default_rng(len(labels))
    rows = {label: sum(map(ord, label)) for label in labels}
    return {
        label: np.abs(rng.normal(size=(8, width)) + 3 * np.eye(width)[row]).astype(np.float32)
        for label, row in rows.items()
    }


@pytest.fixture
def shop(tmp_path):
    with closing(Learner.create(tmp_path / "shop.tosca")) as learner:
        learner.learn_features(features(learner, "mug", "pen"), force=True)
        learner.learn_features(features(learner, "key"), force=True)
        yield learner


@pytest.fixture
def counting(shop):
    set_tally(shop.store, 400)
    return shop


def format_of(store):
    return store.query("PRAGMA user_version")[0][0]


def everything(path):
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))


def test_a_store_counts_only_when_it_was_turned_on_and_earlier_versions_read_it_until_then(shop):
    store = shop.store
    assert (tally_days(store), format_of(store)) == (None, 2)
    add_seen(store, [seen("mug")], NOW)
    assert read_tally(store) == []
    set_tally(store, 30)
    assert (tally_days(store), format_of(store)) == (30, 6)
    add_seen(store, [seen("mug")], NOW)
    assert read_tally(store) == [seen("mug")]
    set_tally(store, None)
    assert (tally_days(store), format_of(store), read_tally(store)) == (None, 2, [])
    assert verify(shop.store).discrepancies == ()
    assert not store.query("SELECT 1 FROM sqlite_master WHERE name = 'tally'")


def test_counts_of_an_hour_add_up(counting):
    store = counting.store
    add_seen(store, [seen("mug", times=2, seconds=10), seen(None, seconds=5)], NOW)
    add_seen(store, [seen("mug", times=1, seconds=0.5), seen("pen", region="right")], NOW)
    add_seen(store, [seen("mug", hour=HOUR + 1)], NOW)
    found = {(one.hour, one.region, one.label): (one.seen, one.seconds) for one in read_tally(store)}
    assert found == {
        (HOUR, "left", "mug"): (3, 10.5),
        (HOUR, "left", None): (1, 5.0),
        (HOUR, "right", "pen"): (1, 2.0),
        (HOUR + 1, "left", "mug"): (1, 2.0),
    }
    assert [one.hour for one in read_tally(store, HOUR + 1)] == [HOUR + 1]


def test_counts_make_no_audit_entry_and_no_generation_and_the_store_still_verifies(counting):
    store = counting.store
    before = len(store.audit_entries()), store.latest()
    for minute in range(5):
        add_seen(store, [seen("mug")], NOW + 60 * minute)
    assert (len(store.audit_entries()), store.latest()) == before
    assert verify(counting.store).discrepancies == ()
    assert [entry.command for entry in store.audit_entries()][-1] == "tally"


def test_forgetting_a_class_erases_its_counts_and_leaves_the_others(counting):
    store = counting.store
    add_seen(store, [seen("mug"), seen("pen"), seen(None)], NOW)
    counting.forget("mug")
    assert {one.label for one in read_tally(store)} == {"pen", None}
    (data,) = [data for _, data in store.query("SELECT * FROM tally")]
    assert len(json.loads(data)) == 2
    # What was counted before the class was forgotten, and not written yet, is left out.
    add_seen(store, [seen("mug")], NOW)
    assert {one.label for one in read_tally(store)} == {"pen", None}


def test_a_renamed_class_keeps_its_counts_and_merged_ones_add_up(counting):
    store = counting.store
    add_seen(store, [seen("mug"), seen("pen", times=4)], NOW)
    counting.rename("mug", "cup")
    add_seen(store, [seen("cup")], NOW)
    assert {one.label: one.seen for one in read_tally(store)} == {"cup": 2, "pen": 4}
    counting.rename("pen", "cup", merge=True)
    assert {one.label: one.seen for one in read_tally(store)} == {"cup": 6}


def test_counts_survive_a_rollback_and_a_lesson_that_teaches_the_class_again(counting):
    store = counting.store
    add_seen(store, [seen("mug"), seen("key")], NOW)
    counting.learn_features(features(counting, "mug"), force=True)
    add_seen(store, [seen("mug")], NOW)
    counting.rollback()
    assert {one.label: one.seen for one in read_tally(store)} == {"mug": 2, "key": 1}


def test_old_hours_are_erased_unless_the_clock_is_not_set(counting):
    store = counting.store
    set_tally(store, 1)
    add_seen(store, [seen("mug", hour=HOUR - 25), seen("mug", hour=HOUR - 24)], NOW)
    assert [one.hour for one in read_tally(store)] == [HOUR - 24]
    add_seen(store, [seen("mug", hour=3)], 3 * 3600.0)
    assert [one.hour for one in read_tally(store)] == [3, HOUR - 24]


def test_an_hour_holds_a_limited_number_of_counts(counting):
    many = [seen("mug", region=f"region {number}") for number in range(MAX_COUNTS + 10)]
    add_seen(counting.store, many, NOW)
    add_seen(counting.store, [seen("mug", region="region 0")], NOW)
    found = read_tally(counting.store)
    assert len(found) == MAX_COUNTS
    assert next(one.seen for one in found if one.region == "region 0") == 2


def test_days_out_of_range_are_refused(shop):
    for days in (0, -1, 100_000):
        with pytest.raises(LearnError, match="1 to"):
            set_tally(shop.store, days)


def test_counts_are_encrypted_with_the_store_and_survive_a_new_key(tmp_path):
    key, other = tmp_path / "key", tmp_path / "other"
    for place, digit in ((key, "1"), (other, "2")):
        place.write_text(digit * 64)
        place.chmod(0o600)
    path = tmp_path / "shop.tosca"
    with closing(Learner.create(path)) as learner:
        learner.learn_features(features(learner, "mug", "pen"), force=True)
        set_tally(learner.store, 400)
        add_seen(learner.store, [seen("mug", region="a telling name")], NOW)
        assert b"a telling name" in everything(path)
    encryption.encrypt(path, key)
    assert b"a telling name" not in everything(path)
    with closing(Store.open(path, key)) as store:
        assert format_of(store) == 7
        assert [(one.label, one.region) for one in read_tally(store)] == [("mug", "a telling name")]
        add_seen(store, [seen("mug")], NOW)
    encryption.decrypt(path, key)
    with closing(Store.open(path)) as store:
        assert format_of(store) == 6
        assert len(read_tally(store)) == 2


@pytest.mark.parametrize(
    "data",
    ["{}", "[[1]]", '[["gate","left",-1,1,1]]', '[["gate","left",1,1,1e9]]', "nonsense", '[[1,"a",1,1,1]]'],
)
def test_counts_of_an_untrusted_file_are_refused_in_one_line(counting, data):
    add_seen(counting.store, [seen("mug")], NOW)
    path = counting.store.path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE tally SET data = ?", (data.encode(),))
    with pytest.raises(StoreError, match="damaged"):
        read_tally(counting.store)


def test_the_writer_writes_what_was_counted_and_tries_again_what_it_could_not(counting, tmp_path):
    path, told = counting.store.path, []
    dwell = Dwell()
    hour = int(time.time() // 3600)
    dwell.put_back({Key(hour, Place("gate", "left"), "mug"): Amount(3, 4.0)})
    where = [tmp_path / "gone.tosca"]
    writer = TallyWriter(dwell, lambda: Store.open(where[0]), told.append, seconds=3600)
    writer.write()
    assert "counts are not written" in told[0]
    where[0] = path
    writer.close()
    assert told[1:] == ["counts are written again"]
    (found,) = read_tally(counting.store)
    assert (found.hour, found.camera, found.label, found.seen, found.seconds) == (hour, "gate", "mug", 3, 4.0)
