"""Undone lessons give their features back after a while, and whatever was taught can be forgotten."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from tests.torture.verbs import create, teach

from edge_tosca.errors import LearnError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.verification import verify
from edge_tosca.store import retention
from edge_tosca.store.maintenance import prune
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import owner_of


@pytest.fixture
def shop(tmp_path):
    """Apple and brick; cone was taught in generation 2 and undone in generation 3."""
    store = create(tmp_path / "shop.tosca")
    teach(store, "first", {"apple": 6, "brick": 6})
    teach(store, "second", {"cone": 6, "door": 6})
    rollback(store, None)
    yield store
    store.close()


@pytest.fixture
def days_later(monkeypatch):
    def move(days):
        at = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        monkeypatch.setattr(retention, "now", lambda: at)

    return move


def commands(store):
    return [entry.command for entry in store.audit_log.all()]


def tasks(store):
    return [task.name for task in store.tasks_ever()]


def change(store):
    rename_class(store, store.state().labels[0], f"name {store.latest()}", merge=False)


def test_the_next_change_after_thirty_days_prunes_in_its_own_transaction(shop, days_later):
    days_later(29)
    change(shop)
    assert tasks(shop) == ["first", "second"]
    days_later(31)
    before = shop.latest()
    change(shop)
    assert (tasks(shop), commands(shop)[-2:]) == (["first"], ["rename", "prune"])
    assert shop.latest() == before + 1
    assert not shop.query("SELECT 1 FROM features WHERE id > 2")
    assert shop.report(2)["gate"]["suspects"] == []
    assert verify(shop).discrepancies == ()


def test_a_change_that_fails_prunes_nothing(shop, days_later):
    change(shop)
    days_later(31)
    with pytest.raises(LearnError), shop.transaction():
        shop.add_generation("learn", shop.latest())
        raise LearnError("no")
    assert tasks(shop) == ["first", "second"]


def test_neither_the_previous_generation_nor_what_an_undo_restores_is_pruned(shop):
    # Generation 2, the one before the live one, has it.
    assert prune(shop, 0).to_json() == {"lessons": 0, "images": 0, "restorable": 1}
    change(shop)
    assert prune(shop, 30).lessons == 0
    found = prune(shop, 0)
    assert (found.lessons, found.images, found.restorable) == (1, 12, 0)
    assert commands(shop)[-1] == "prune"
    assert verify(shop).discrepancies == ()
    number = len(commands(shop))
    assert prune(shop, 0).lessons == 0
    assert len(commands(shop)) == number


def test_a_rollback_restores_what_is_there_and_is_refused_with_the_date_of_what_is_not(shop, days_later):
    change(shop)
    days_later(31)
    # The lesson is live after it, and so is not pruned by it.
    rollback(shop, 2)
    assert shop.state().labels == ("apple", "brick", "cone", "door")
    rollback(shop, 1)
    change(shop)
    prune(shop, 0)
    today = datetime.now(UTC).date().isoformat()
    with pytest.raises(LearnError, match=f"generation 2 cannot be restored: .* pruned on {today}; choose"):
        rollback(shop, 2)
    with pytest.raises(LearnError, match="generation 5 cannot be restored"):
        rollback(shop, 5)
    rollback(shop, 1)
    assert shop.state().labels == ("apple", "brick")
    assert verify(shop).discrepancies == ()


def test_a_box_whose_clock_is_not_set_prunes_nothing_by_itself(shop, days_later):
    change(shop)
    days_later(-20_000)
    change(shop)
    assert tasks(shop) == ["first", "second"]
    with closing(Store.open(shop.path)) as store:
        assert prune(store, 0).lessons == 1


def test_an_undone_class_can_be_forgotten_under_every_name_that_it_had(shop):
    rollback(shop, 2)
    rename_class(shop, "cone", "hat", merge=False)
    rollback(shop, 1)
    forget_class(shop, "hat")
    with pytest.raises(LearnError, match="has no class 'cone'"):
        forget_class(shop, "cone")
    entry = json.loads(shop.audit_log.all()[-1].text)
    (gone,) = entry["erased"]
    assert tuple(gone) in owner_of(shop).erased
    assert verify(shop).discrepancies == ()
    forget_class(shop, "door")
    assert tasks(shop) == ["first"]
