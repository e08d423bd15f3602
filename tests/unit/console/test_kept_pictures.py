import sqlite3

import pytest

from edge_tosca.console.kept_pictures import MOST, MOST_OF_A_CLASS, KeptPictures
from edge_tosca.errors import StoreError
from edge_tosca.state import Group, Task


def task(number, *groups, learned_at="2026-01-01"):
    return Task(number, f"task {number}", learned_at, "digest", groups)


MUG, CUP = Group(1, "mug", 3, 1), Group(2, "cup", 3, 2)


@pytest.fixture
def kept(tmp_path):
    pictures = KeptPictures(tmp_path / "shop.tosca")
    yield pictures
    pictures.close()


def test_nothing_is_written_until_it_is_turned_on(kept, seen):
    kept.keep(task(1, MUG), {"mug": [seen(1)]})
    assert not kept.path.exists()
    assert kept.of([1], 9) == []


def test_the_file_is_the_owners_alone_and_the_setting_outlives_a_restart(kept, seen):
    kept.turn_on()
    assert kept.path.stat().st_mode & 0o777 == 0o600
    kept.keep(task(1, MUG), {"mug": [seen(1)]})
    kept.close()
    again = KeptPictures(kept.path.with_name("shop.tosca"))
    (key,) = again.of([1], 9)
    assert again.picture(key) == seen(1).jpeg
    again.turn_off()
    assert not kept.path.exists()
    assert again.picture(key) is None


def test_what_the_store_forgot_is_erased_and_leaves_no_trace_in_the_file(kept, seen):
    kept.turn_on()
    kept.keep(task(1, MUG, CUP), {"mug": [seen(1)], "cup": [seen(90)]})
    assert kept.follow([task(1, MUG, CUP)]) == 0
    assert kept.follow([task(1, CUP)]) == 1
    assert (kept.of([1], 9), len(kept.of([2], 9))) == ([], 1)
    assert seen(1).jpeg not in kept.path.read_bytes()
    # A row of the same number in another store is another class.
    assert kept.follow([task(1, CUP, learned_at="2027-01-01")]) == 1


def test_it_keeps_the_sharpest_of_a_class_and_no_more_than_so_many_in_all(kept, seen):
    kept.turn_on()
    kept.keep(task(1, MUG), {"mug": [seen(n, sharpness=n / 1000) for n in range(2 * MOST_OF_A_CLASS)]})
    keys = kept.of([1], 1000)
    assert len(keys) == MOST_OF_A_CLASS
    assert kept.picture(keys[0]) == seen(2 * MOST_OF_A_CLASS - 1).jpeg
    for number in range(MOST // MOST_OF_A_CLASS + 3):
        group = Group(number, "mug", 3, number)
        kept.keep(task(number, group), {"mug": [seen(1)] * MOST_OF_A_CLASS})
    with sqlite3.connect(kept.path) as connection:
        assert connection.execute("SELECT count(*) FROM pictures").fetchone() == (MOST,)


def test_a_damaged_file_is_told_of_and_can_be_turned_off(tmp_path):
    path = tmp_path / "shop.tosca.pictures"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="pictures cannot be kept"):
        KeptPictures(tmp_path / "shop.tosca")
