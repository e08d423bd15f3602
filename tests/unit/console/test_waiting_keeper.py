"""Waiting pictures survive a restart where pictures are kept, and leave the file when they are erased."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from edge_tosca.console.app_state.inboxes import Inboxes
from edge_tosca.console.app_state.training_queue import Queue
from edge_tosca.console.app_state.waiting_keeper import WaitingKeeper
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Place
from edge_tosca.store.thumbnail_owner import owner_of
from edge_tosca.store.thumbnails import Thumbnails


class Console:
    """The parts of a console that keep waiting pictures."""

    def __init__(self, learner):
        self.learner = learner
        self.queue, self.inbox = Queue(), Inboxes()
        self.thumbnails = Thumbnails(learner.store.path)
        self.keeper = WaitingKeeper(self.thumbnails, self.queue, self.inbox)
        self.keeper.load(owner_of(learner.store), learner)

    def save(self):
        self.keeper.save(self.learner, all_now=True)


@pytest.fixture
def learner(tmp_path):
    with closing(Learner.create(tmp_path / "shop.tosca")) as learner:
        rng = np.random.default_rng(5)
        width = int(learner.store.settings["feature_dim"])
        learner.learn_features({name: np.abs(rng.normal(size=(12, width))) for name in ("cup", "bowl")})
        yield learner


@pytest.fixture
def filled(learner, seen):
    console = Console(learner)
    console.thumbnails.turn_on()
    width = int(learner.store.settings["feature_dim"])
    for variant in range(3):
        console.queue.add("cup", seen(1, variant, width=width), force=True)
    for _ in range(4):
        console.inbox.add(Place("door", "left"), seen(2, width=width), "bowl")
    console.save()
    yield console
    console.thumbnails.close()


def rows(learner):
    with closing(sqlite3.connect(f"{learner.store.path}.pictures")) as connection:
        return connection.execute("SELECT label, sealed, content FROM waiting").fetchall()


def test_the_queue_and_the_inbox_are_as_they_were_after_a_restart(filled, learner):
    again = Console(learner)
    (before,) = filled.queue.classes().values()
    (after,) = again.queue.classes().values()
    assert [one.id for one in after] == [one.id for one in before]
    assert [one.image.jpeg for one in after] == [one.image.jpeg for one in before]
    assert all(np.array_equal(a.image.feature, b.image.feature) for a, b in zip(after, before, strict=True))
    ((place, group),) = again.inbox.groups()
    assert (place, group.count, len(group.pictures)) == (Place("door", "left"), 4, 1)


def test_what_is_removed_on_the_page_leaves_the_file(filled, learner):
    filled.queue.clear("cup")
    filled.save()
    assert [label for label, _, _ in rows(learner)] == ["", ""]
    filled.inbox.take(filled.inbox.groups()[0][1].id)
    filled.save()
    assert rows(learner) == []


def test_forgetting_a_class_from_anywhere_erases_its_waiting_pictures(filled, learner):
    learner.forget("cup")
    assert "cup" not in {label for label, _, _ in rows(learner)}
    assert Console(learner).queue.classes() == {}


def test_a_renamed_picture_is_written_again(filled, learner):
    (waiting,) = filled.queue.classes().values()
    assert filled.queue.rename(waiting[0].id, "bowl")
    filled.save()
    assert sorted(label for label, _, _ in rows(learner)) == ["", "", "bowl", "cup", "cup"]


def test_without_kept_pictures_nothing_is_written(learner, seen):
    console = Console(learner)
    console.queue.add("cup", seen(1), force=True)
    console.save()
    assert not console.thumbnails.path.exists()


def test_a_damaged_row_is_left_out(filled, learner):
    with closing(sqlite3.connect(f"{learner.store.path}.pictures")) as connection, connection:
        connection.execute("UPDATE waiting SET content = x'00' WHERE label = 'cup'")
    assert Console(learner).queue.classes() == {}


def test_in_an_encrypted_store_no_name_and_no_picture_can_be_read(filled, learner, tmp_path):
    pytest.importorskip("cryptography")
    from edge_tosca.store.encryption import encrypt

    key = tmp_path / "key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    path = learner.store.path
    learner.close()
    filled.thumbnails.close()
    encrypt(path, key)
    assert not rows(learner)
    with closing(Learner.open(path, key_file=key)) as opened:
        console = Console(opened)
        (waiting,) = filled.queue.classes().values()
        console.queue.bring_back("cup", waiting)
        console.save()
        console.thumbnails.close()
        found = rows(opened)
        assert [(sealed, b"cup" in content) for _, sealed, content in found] == [(1, False)] * 3
        assert "cup" not in {label for label, _, _ in found}
        assert len(Console(opened).queue.classes()["cup"]) == 3
