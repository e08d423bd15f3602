import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edge_tosca.digests import sha256
from edge_tosca.errors import StoreError
from edge_tosca.store import database_file
from edge_tosca.store.schema import BUSY_SECONDS, NEWEST
from edge_tosca.store.state import TaskClass
from edge_tosca.store.store import Store


def add_task(store, name, *labels, images=4):
    """File a task with features of its own; give its generation, its module's digest and the features."""
    rng = np.random.default_rng(list(name.encode()))
    features = {label: rng.normal(size=(images, 32)).astype(np.float16) for label in labels}
    data = f"the module of {name}".encode()
    with store.transaction():
        generation = store.add_generation("learn", store.latest())
        store.add_module(sha256(data), data, np.full((images * len(labels), len(labels)), 0.5))
        store.add_task(name, sha256(data), features, generation)
    return generation, sha256(data), features


def dump(path):
    """Everything that a store's file says, as a fresh reader sees it."""
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def told(action, *arguments):
    """The one line with which an action fails."""
    with pytest.raises(StoreError) as caught:
        action(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Making and opening


def test_a_new_store_knows_its_settings_and_nothing_else(store, plain):
    again = Store.open(store.path)
    assert again.settings == plain
    assert again.latest() == 0
    assert again.state().tasks == ()
    assert again.history() == []
    assert again.derived("routers") is None
    again.close()


def test_an_empty_file_may_become_a_store(tmp_path, plain):
    path = tmp_path / "shop.tosca"
    path.touch()
    Store.create(path, plain).close()
    Store.open(path).close()


def test_making_a_store_over_anything_is_refused_and_leaves_it_as_it_was(store, tmp_path):
    before = dump(store.path)
    assert "exists already" in told(Store.create, store.path, {"router": "entropy"})
    assert dump(store.path) == before
    text = tmp_path / "notes.txt"
    text.write_text("milk")
    assert "exists already" in told(Store.create, text, {})
    assert text.read_text() == "milk"


def test_making_a_store_in_a_missing_folder_is_told(tmp_path):
    path = tmp_path / "no" / "shop.tosca"
    message = told(Store.create, path, {})
    assert str(path) in message
    assert str(path.parent) in message


def test_making_a_store_where_nobody_may_write_is_told():
    # Not even root may add a file to /proc.
    assert "check that /proc allows it" in told(Store.create, Path("/proc/shop.tosca"), {})


def test_a_folder_is_not_a_store(tmp_path):
    told(Store.create, tmp_path, {})
    assert "no store here" in told(Store.open, tmp_path)


@pytest.mark.parametrize("action", [Store.open, lambda path: Store.create(path, {})])
def test_a_name_too_long_for_the_disk_is_told(tmp_path, action):
    told(action, tmp_path / ("x" * 300))


@pytest.mark.parametrize("content", [None, b""])
def test_opening_nothing_says_how_to_make_a_store(tmp_path, content):
    path = tmp_path / "shop.tosca"
    if content is not None:
        path.write_bytes(content)
    assert f"edge-tosca init {path}" in told(Store.open, path)
    assert path.exists() == (content is not None)


@pytest.mark.parametrize("content", [b"milk", b"SQLite format 2\0" + bytes(4096), os.urandom(5000)])
def test_a_file_that_is_no_store_is_told_and_left_alone(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    assert "is not a store of edge-tosca" in told(Store.open, path)
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_a_database_of_another_program_is_told_and_left_alone(tmp_path):
    path = tmp_path / "mail.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE settings (key TEXT, value TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    assert "database of another program" in told(Store.open, path)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_format_asks_for_an_update(store):
    store.close()
    connection = sqlite3.connect(store.path)
    connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
    connection.close()
    message = told(Store.open, store.path)
    assert f"format {NEWEST + 1}" in message
    assert "update edge-tosca" in message


def read_everything(path):
    store = Store.open(path)
    try:
        store.history()
        for group in store.state().groups:
            store.features(group)
        for task in store.state().tasks:
            store.module(task.module)
            store.evidence(task.module)
    finally:
        store.close()


@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.5, 0.9])
def test_a_truncated_store_is_told(store, share):
    add_task(store, "task 1", "mug", "pen", images=40)
    store.close()
    data = store.path.read_bytes()
    store.path.write_bytes(data[: int(share * len(data))])
    told(read_everything, store.path)


def test_an_overwritten_page_is_told(store):
    add_task(store, "task 1", "mug", "pen", images=400)
    store.close()
    data = bytearray(store.path.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 64] = b"\xff" * 64
    store.path.write_bytes(data)
    told(read_everything, store.path)


def test_damaged_features_are_told(store):
    _, digest, _ = add_task(store, "task 1", "mug")
    with store.transaction():
        store._connection.execute("UPDATE features SET data = x'00ff'")
        store._connection.execute("UPDATE modules SET evidence = x'00ff'")
    told(store.features, store.state().groups[0])
    told(store.evidence, digest)


def test_a_module_whose_bytes_are_not_those_of_its_digest_is_told(store):
    _, digest, _ = add_task(store, "task 1", "mug")
    with store.transaction():
        store._connection.execute("UPDATE modules SET data = CAST('another module' AS BLOB)")
    told(store.module, digest)


def test_a_row_that_is_not_there_is_told(store):
    assert "restore a copy" in told(store.module, "0" * 64)
    assert "restore a copy" in told(store.features, TaskClass(1, "mug", 1, 99))


# Keeping


def test_what_is_filed_comes_back_to_the_last_bit(store):
    generation, digest, features = add_task(store, "desk", "mug", "pen")
    store.close()
    again = Store.open(store.path)
    (task,) = again.state().tasks
    assert again.latest() == generation == 1
    assert (task.name, task.module) == ("desk", digest)
    assert [(group.label, group.images) for group in task.groups] == [("mug", 4), ("pen", 4)]
    for group in task.groups:
        assert again.features(group).dtype == np.float16
        assert again.features(group).tobytes() == features[group.label].tobytes()
    assert again.module(digest) == b"the module of desk"
    np.testing.assert_array_equal(again.evidence(digest), np.full((8, 2), 0.5, np.float32), strict=True)
    again.close()


def test_a_module_that_is_there_already_stays_as_it_is(store):
    _, digest, _ = add_task(store, "desk", "mug")
    with store.transaction():
        store.add_module(digest, b"something else", np.zeros((1, 1)))
    assert store.module(digest) == b"the module of desk"


def test_only_the_live_generations_derived_values_are_kept(store):
    first, _, _ = add_task(store, "task 1", "mug")
    with store.transaction():
        store.set_derived("routers", first, {"bias": np.arange(3.0)})
    np.testing.assert_array_equal(store.derived("routers")["bias"], [0, 1, 2])
    second, _, _ = add_task(store, "task 2", "pen")
    assert store.derived("routers") is None
    with store.transaction():
        store.set_derived("routers", second, {"bias": np.arange(4.0)})
    assert len(store.derived("routers")["bias"]) == 4
    assert sum('INSERT INTO "routers"' in line for line in dump(store.path)) == 1


def test_history_tells_what_was_done(store):
    add_task(store, "task 1", "mug")
    with store.transaction():
        second = store.add_generation("rollback", 1)
        store.set_report(second, {"to": 0, "name": "Tässchen"})
    first, last = store.history()
    assert (first.number, first.parent, first.command, first.report) == (1, 0, "learn", {})
    assert (last.number, last.parent, last.command) == (2, 1, "rollback")
    assert last.report == {"to": 0, "name": "Tässchen"}
    assert first.made_at <= last.made_at


# Generations


def test_a_class_lives_from_the_generation_it_is_born_in_until_the_one_it_ends_in(store):
    add_task(store, "task 1", "mug", "pen")
    add_task(store, "task 2", "cup")
    mug = store.state().groups[0]
    with store.transaction():
        store.deactivate_class(mug.id, store.add_generation("forget", 2))
    assert store.state(0).labels == ()
    assert store.state(1).labels == ("mug", "pen")
    assert store.state(2).labels == ("mug", "pen", "cup")
    assert store.state(3).labels == ("pen", "cup")
    assert store.state() == store.state(3)


def test_a_task_without_a_living_class_is_not_in_the_state(store):
    add_task(store, "task 1", "mug")
    with store.transaction():
        store.deactivate_class(store.state().groups[0].id, store.add_generation("rollback", 0))
    assert store.state().tasks == ()
    assert len(store.state(1).tasks) == 1


def test_a_class_can_live_again_and_under_another_name(store):
    add_task(store, "task 1", "mug")
    mug = store.state().groups[0]
    with store.transaction():
        second = store.add_generation("rename", 1)
        store.deactivate_class(mug.id, second)
        store.activate_class(mug.id, "cup", second)
    with store.transaction():
        third = store.add_generation("rollback", 1)
        store.deactivate_class(mug.id, third)
        store.activate_class(mug.id, "mug", third)
    assert [store.state(number).labels for number in (1, 2, 3)] == [("mug",), ("cup",), ("mug",)]
    assert store.groups_ever("cup") == store.groups_ever("mug") == {1: [mug.id]}


@pytest.mark.parametrize("number", [-1, 2, 10**6])
def test_a_generation_that_never_was_is_told(store, number):
    add_task(store, "task 1", "mug")
    message = told(store.state, number)
    assert f"no generation {number}" in message
    assert "edge-tosca history" in message


# Transactions


class PowerCutError(Exception):
    pass


def test_an_interrupted_transaction_leaves_the_stores_content_as_it_was(store):
    add_task(store, "task 1", "mug", "pen")
    before = dump(store.path)
    state = store.state()
    with pytest.raises(PowerCutError), store.transaction():
        generation = store.add_generation("learn", 1)
        store.add_module("0" * 64, b"half a module", np.zeros((1, 1)))
        store.add_task("task 2", "0" * 64, {"cup": np.zeros((3, 32), np.float16)}, generation)
        store.set_derived("routers", generation, {"bias": np.zeros(3)})
        store.deactivate_class(state.groups[0].id, generation)
        store.erase(1, [state.groups[1].id], "0" * 64)
        raise PowerCutError
    assert dump(store.path) == before
    assert store.state() == state
    add_task(store, "task 2", "cup")
    assert store.state().labels == ("mug", "pen", "cup")


def test_another_reader_sees_a_transaction_only_when_it_has_ended(store):
    add_task(store, "task 1", "mug")
    reader = Store.open(store.path)
    with store.transaction():
        store.deactivate_class(store.state().groups[0].id, store.add_generation("forget", 1))
        assert reader.latest() == 1
        assert reader.state().labels == ("mug",)
    assert reader.latest() == 2
    assert reader.state().labels == ()
    reader.close()


def test_a_full_disk_is_told_and_leaves_the_store_as_it_was(store):
    add_task(store, "task 1", "mug")
    before = dump(store.path)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    message = told(lambda: add_task(store, "task 2", "pen", images=4000))
    assert "the disk is full; nothing was changed" in message
    assert dump(store.path) == before
    assert store.state().labels == ("mug",)


# Erasing


def files_of(store):
    return b"".join(path.read_bytes() for path in store.path.parent.glob(store.path.name + "*"))


def test_erased_features_are_found_in_no_file_of_the_store_after_scrub(store):
    _, digest, features = add_task(store, "task 1", "secret", "pen", images=40)
    add_task(store, "task 2", "cup", images=40)
    secret = store.state().groups[0]
    # Every single row is looked for: a page may hold a part of a blob only.
    rows = [row.tobytes() for row in features["secret"]]
    assert all(row in files_of(store) for row in rows[:10])
    with store.transaction():
        generation = store.add_generation("forget", 2)
        store.add_module("f" * 64, b"without it", np.zeros((40, 1)))
        store.erase(1, [secret.id], "f" * 64)
    store.scrub()
    assert not any(row in files_of(store) for row in rows)
    assert b"secret" not in files_of(store)
    assert b"the module of task 1" not in files_of(store)
    assert generation == 3
    assert store.state().labels == ("pen", "cup")
    assert store.state(1).labels == ("pen",)
    assert store.groups_ever("secret") == {}
    assert [group.images for group in store.groups_of_task(1)] == [40]
    assert "restore a copy" in told(store.module, digest)
    for group in store.state().groups:
        assert len(store.features(group)) == 40


def test_erasing_a_tasks_only_class_erases_the_task_and_its_module(store):
    _, digest, _ = add_task(store, "task 1", "mug")
    add_task(store, "task 2", "pen")
    with store.transaction():
        store.add_generation("forget", 2)
        store.erase(1, [store.state().groups[0].id], None)
    store.scrub()
    assert store.state().labels == store.state(2).labels == ("pen",)
    assert b"the module of task 1" not in files_of(store)
    told(store.module, digest)


def test_a_module_that_two_tasks_share_outlives_one_of_them(store):
    _, digest, _ = add_task(store, "task 1", "mug")
    with store.transaction():
        generation = store.add_generation("learn", 1)
        store.add_task("task 2", digest, {"pen": np.ones((2, 32), np.float16)}, generation)
    with store.transaction():
        store.add_generation("forget", 2)
        store.erase(1, store.groups_ever("mug")[1], None)
    assert store.module(digest) == b"the module of task 1"


def test_scrubbing_under_another_reader_is_told(store):
    add_task(store, "task 1", "mug")
    reader = sqlite3.connect(store.path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM features").fetchone()
    with store.transaction():
        store.add_generation("forget", 1)
        store.erase(1, [store.state().groups[0].id], None)
    store._connection.execute("PRAGMA busy_timeout = 50")
    assert "another process still reads the log" in told(store.scrub)
    reader.close()
    store.scrub()


def test_scrubbing_waits_for_another_connection_that_writes_the_log_back_itself(store):
    begun, end = threading.Event(), time.monotonic() + 0.7

    def write_back():
        with closing(sqlite3.connect(store.path)) as connection:
            while time.monotonic() < end:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                begun.set()

    other = threading.Thread(target=write_back)
    other.start()
    begun.wait()
    for name in ("task 1", "task 2", "task 3"):
        add_task(store, name, "mug")
        store.scrub()
        assert Path(f"{store.path}-wal").stat().st_size == 0
    other.join()


def test_a_checkpoint_that_does_not_wait_empties_the_log_unless_another_process_reads_it(store):
    add_task(store, "task 1", "mug")
    log = Path(f"{store.path}-wal")
    with closing(sqlite3.connect(store.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM features").fetchone()
        add_task(store, "task 2", "pen")
        begun = time.monotonic()
        assert not store.checkpoint()
        # Without waiting: a writer would wait for half a minute.
        assert time.monotonic() - begun < 5
        assert log.stat().st_size > 0
    assert store.checkpoint()
    assert log.stat().st_size == 0
    assert store.query("PRAGMA busy_timeout") == [(round(1000 * BUSY_SECONDS),)]


def test_faults_of_pages_are_listed_and_an_intact_file_has_none(store):
    add_task(store, "task 1", "mug")
    assert store.page_faults() == []
    ((number,),) = store.query("SELECT rootpage FROM sqlite_master WHERE name = 'classes'")
    assert store.checkpoint(wait=True)
    ((size,),) = store.query("PRAGMA page_size")
    with store.path.open("r+b") as file:
        # Where the page's first row begins, after a header of eight bytes.
        file.seek((number - 1) * size + 8)
        file.write(b"\xff\xff")
    # A connection that has the page in its cache would not read it again.
    store.close()
    with closing(Store.open(store.path)) as again:
        assert any("Offset 65535 out of range" in fault for fault in again.page_faults())


def test_a_second_writer_waits_and_is_told_when_the_first_does_not_end(store):
    second = Store.open(store.path)
    second._connection.execute("PRAGMA busy_timeout = 50")
    with store.transaction():
        assert "another process has been writing" in told(add_task, second, "task 1", "mug")
    add_task(second, "task 1", "mug")
    assert store.state().labels == ("mug",)
    second.close()


def test_of_two_that_make_a_store_at_once_the_second_leaves_the_firsts_alone(tmp_path, plain, monkeypatch):
    path, connect = tmp_path / "shop.tosca", database_file.connect

    def late(place):
        monkeypatch.setattr(database_file, "connect", connect)
        first = Store.create(place, {**plain, "origin": "the first"})
        add_task(first, "first", "mug")
        first.close()
        return connect(place)

    monkeypatch.setattr(database_file, "connect", late)
    assert "exists already" in told(Store.create, path, plain)
    kept = Store.open(path)
    assert kept.settings["origin"] == "the first"
    assert kept.state().labels == ("mug",)
    kept.close()


def test_what_a_change_set_goes_with_the_change_where_it_fails(store):
    before = dict(store.settings)
    with pytest.raises(LookupError), store.transaction():
        store.set_setting("max_bytes", "1000000")
        store.set_setting("refused", "0.5")
        raise LookupError
    assert store.settings == before


def test_what_another_process_has_set_counts_from_the_next_change_on(store):
    other = Store.open(store.path)
    with other.transaction():
        other.set_setting("max_bytes", "1000000")
    other.close()
    with store.transaction():
        assert store.settings["max_bytes"] == "1000000"
