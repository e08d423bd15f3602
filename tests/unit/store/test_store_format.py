import shutil
from pathlib import Path

import pytest
from tests.torture.verbs import QUESTIONS, teach

from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.model import Model
from edge_tosca.learner.verification import verify
from edge_tosca.store.schema import FORMAT
from edge_tosca.store.store import Store

FORMAT_1 = Path(__file__).parents[2] / "data" / "store_format_1.tosca"
"""Made by the program of format 1: apple, brick; cone, door; zebra, wheel; then the last task was rolled
back, brick renamed to tile and cone forgotten."""

FORMAT_2 = FORMAT_1.with_name("store_format_2.tosca")
FORMAT_2_HEAD = "cc90f5e96e382a0b9473038b908bf5919a8efadb3624c56fc8cfc4772f2618c9"


@pytest.fixture
def old(tmp_path):
    shutil.copy(FORMAT_1, tmp_path / "shop.tosca")
    store = Store.open(tmp_path / "shop.tosca")
    yield store
    store.close()


def version(store):
    return store.query("PRAGMA user_version")[0][0]


def test_a_store_of_format_1_is_read_as_it_is_and_left_so(old):
    assert old.state().labels == ("apple", "tile", "door")
    assert [entry.command for entry in old.history()] == ["learn"] * 3 + ["rollback", "rename", "forget"]
    answers = Model(old, old.state()).predict(QUESTIONS, 1)
    assert [answers[row].label for row in (0, 3, 9)] == ["apple", "tile", "door"]
    audit = verify(old)
    assert (audit.discrepancies, audit.seals) == ((), 0)
    assert version(old) == 1
    assert old.path.read_bytes() == FORMAT_1.read_bytes()


def test_the_first_change_brings_it_up_to_date_and_changes_no_answer(old):
    before = Model(old, old.state()).predict(QUESTIONS, 3)
    generations = old.history()
    rename_class(old, "tile", "brick", merge=False)
    rename_class(old, "brick", "tile", merge=False)
    assert version(old) == FORMAT
    assert Model(old, old.state()).predict(QUESTIONS, 3) == before
    again = old.history()[: len(generations)]
    assert [(entry.number, entry.made_at, entry.report) for entry in again] == [
        (entry.number, entry.made_at, entry.report) for entry in generations
    ]
    assert [entry.content["command"] for entry in old.audit_log.all()] == [
        "format 1 to 2",
        "rename",
        "rename",
    ]
    assert verify(old).discrepancies == ()


def test_what_it_held_before_is_covered_from_then_on(old):
    rollback(old, 2)
    assert verify(old).discrepancies == ()
    teach(old, "new", {"zebra": 4})
    audit = verify(old)
    assert (audit.discrepancies, audit.solved) == ((), True)


def test_a_change_that_does_not_happen_leaves_the_old_format(old):
    with pytest.raises(RuntimeError), old.transaction():
        old.add_generation("learn", old.latest())
        raise RuntimeError
    assert version(old) == 1
    assert old.audit_log.all() == []


def test_a_reader_that_was_there_first_reads_on_over_the_change(old):
    reader = Store.open(old.path)
    before = reader.state()
    rename_class(old, "tile", "brick", merge=False)
    assert reader.state(before.generation).labels == before.labels
    assert reader.state().labels == ("apple", "brick", "door")
    assert reader.history()[-1].by
    reader.close()


def test_a_chain_of_format_2_is_verified_whatever_program_wrote_it(tmp_path):
    # The audit log holds only as long as every later version computes the digests in the same way.
    shutil.copy(FORMAT_2, tmp_path / "shop.tosca")
    store = Store.open(tmp_path / "shop.tosca")
    audit = verify(store, FORMAT_2_HEAD, solve=False)
    assert (audit.discrepancies, audit.seals, audit.head) == ((), 5, FORMAT_2_HEAD)
    store.close()
