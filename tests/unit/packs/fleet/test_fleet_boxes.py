"""Boxes of one fleet, over a broker in memory."""

import shutil
import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from edge_tosca.errors import FleetError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rollback
from edge_tosca.learner.verification import verify
from edge_tosca.packs.fleet.holdings import ROLLED_BACK, held_packs, holdings, release_all
from edge_tosca.packs.fleet.membership import folder_of, read_invitation, save_membership, with_changes
from edge_tosca.packs.fleet.messages import verified
from edge_tosca.packs.fleet.topics import Topics
from edge_tosca.store.backup import backup
from edge_tosca.store.thumbnail_owner import classes_of, owner_of
from edge_tosca.store.thumbnails import Thumbnails

TOPICS = Topics("shop")


def labels(box):
    return sorted(box.learner.state.labels)


def have(fleet, name):
    """What a box last reported, as another box reads it."""
    other = next(box for one, box in fleet.boxes.items() if one != name)
    key = fleet.boxes[name].inbox.public
    return next(one for one in other.haves() if one.key == key)


def retained(fleet, kind):
    found = (TOPICS.parse(name) for name in fleet.broker.retained)
    return [one for one in found if one is not None and one.kind == kind]


@pytest.fixture
def three(shop, teach):
    """Two boxes that were taught, and one that was not."""
    fleet = shop()
    boxes = [fleet.add(name) for name in ("a", "b", "c")]
    teach(boxes[0], "mug", "pen")
    teach(boxes[1], "cup", "mug")
    return fleet, *boxes


def test_what_two_boxes_teach_all_answer_alike_to_the_last_bit(three, answers):
    fleet, a, b, c = three
    fleet.run()
    assert labels(a) == labels(b) == labels(c) == ["cup", "mug", "pen"]
    assert answers(a) == answers(b) == answers(c) != []
    assert [len(holdings(box.store.settings)) for box in (a, b, c)] == [4, 4, 4]


@pytest.mark.parametrize("seed", range(4))
def test_repeated_reordered_and_lost_messages_change_nothing(three, teach, answers, seed):
    fleet, a, b, c = three
    fleet.broker.repeats, fleet.broker.shuffles = 0.5, True
    fleet.broker.random.seed(seed)
    for box in (c, a, b, c):
        fleet.run(steps=2)
        box.transport.break_off()
        if box is a:
            teach(b, "key")
            forget_class(c.store, "pen") if "pen" in labels(c) else teach(c, "lid")
        fleet.run(steps=2)
        box.transport.reconnect()
    fleet.run()
    assert labels(a) == labels(b) == labels(c)
    assert answers(a) == answers(b) == answers(c) != []
    assert set(retained(fleet, "add")) == {
        one for one in retained(fleet, "add") if one.digest in holdings(a.store.settings)
    }


def test_a_lesson_that_was_published_keeps_its_row_and_its_answers_on_its_own_box(shop, teach, answers):
    fleet = shop()
    a = fleet.add("a")
    teach(a, "mug", "pen", "cup")
    before = [(top, unknown, score) for top, unknown, score, _ in answers(a)]
    rows = {group.label: group.id for group in a.learner.state.groups}
    fleet.run()
    assert len(a.learner.state.tasks) == 3
    assert {group.label: group.id for group in a.learner.state.groups} == rows
    # The tasks' order in the store is that of their digests now, which decides equal guesses alone.
    after = [(top, unknown, score) for top, unknown, score, _ in answers(a)]
    assert [top[0].label for top, _, _ in after] == [top[0].label for top, _, _ in before]


def test_forgetting_on_one_box_erases_on_all_and_each_confirms(three, answers, tmp_path):
    fleet, a, b, c = three
    fleet.run()
    mug = a.store.features(next(one for one in a.learner.state.groups if one.label == "mug")).tobytes()
    copy = tmp_path / "copy.tosca"
    backup(c.store.path, copy)
    c.transport.break_off()
    forget_class(a.store, "mug")
    fleet.run(among=["a", "b"])
    assert labels(b) == ["cup", "pen"]
    deleted = have(fleet, "a").deleted
    assert len(deleted) == 2 and have(fleet, "b").deleted == deleted
    # The box that is away has not confirmed; nothing of the class is left at the broker meanwhile.
    assert not set(deleted) & set(have(fleet, "c").deleted)
    assert {one.digest for one in retained(fleet, "blob")} == {one.digest for one in retained(fleet, "add")}
    assert not {one.digest for one in retained(fleet, "blob")} & set(deleted)
    c.transport.reconnect()
    fleet.run()
    assert have(fleet, "c").deleted == deleted
    assert labels(c) == ["cup", "pen"] and answers(a) == answers(b) == answers(c)
    for box in (a, b, c):
        box.store.vacuum()
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert mug not in file.read_bytes(), file


def test_a_replayed_offer_brings_nothing_back(three):
    fleet, a, _b, c = three
    fleet.run()
    offers = {
        name: data for name, data in fleet.broker.retained.items() if "/add/" in name or "/blob/" in name
    }
    forget_class(a.store, "mug")
    fleet.run()
    for name, data in offers.items():
        fleet.broker.publish(name, data)
    fleet.run()
    assert labels(c) == ["cup", "pen"]
    # Removed again, as at the first time.
    assert {one.digest for one in retained(fleet, "add")} == holdings(c.store.settings).keys()


def test_a_rollback_of_a_pack_is_recorded_and_the_pack_is_not_imported_again(three):
    fleet, a, _b, c = three
    fleet.run()
    rollback(c.store, 0)
    fleet.run()
    assert labels(c) == [] and labels(a) == ["cup", "mug", "pen"]
    assert set(have(fleet, "c").refused.values()) == {ROLLED_BACK}
    rollback(c.store, 1)
    fleet.run()
    assert labels(c) == ["cup", "mug", "pen"] and have(fleet, "c").refused == {}


def test_a_broker_that_lost_its_database_is_refilled_by_any_box(three, answers):
    fleet, a, b, c = three
    fleet.run()
    before = {name for name in fleet.broker.retained if "/box/" not in name}
    for box in (a, b):
        box.transport.break_off(silent=True)
    fleet.broker.lose_everything()
    c.transport.reconnect()
    fleet.run(among=["c"])
    assert {name for name in fleet.broker.retained if "/box/" not in name} == before
    new = fleet.add("d")
    fleet.run(among=["c", "d"])
    assert answers(new) == answers(c) != []


def test_a_blob_of_other_content_is_not_taken_and_is_healed(three, answers):
    fleet, a, _b, _c = three
    fleet.run()
    for name in [one for one in fleet.broker.retained if "/blob/" in one]:
        fleet.broker.publish(name, b"etf1" + bytes(200))
    new = fleet.add("d")
    fleet.run(steps=120)
    assert answers(new) == answers(a) != []
    assert any("blob" in reason for reason in new.inbox.dropped)


def test_ten_thousand_topics_of_others_take_no_room(three):
    fleet, a, *_ = three
    fleet.run()
    held, size = holdings(a.store.settings), a.records._path.stat().st_size
    for number in range(10_000):
        fleet.broker.publish(TOPICS.add("all", f"{number:064x}"), b"{}")
    fleet.run(steps=3, among=["a"])
    assert holdings(a.store.settings) == held
    assert a.records._path.stat().st_size == size


def test_a_lesson_is_published_once(three, teach):
    fleet, a, *_ = three
    fleet.run()
    published, publish = [], fleet.broker.publish
    fleet.broker.publish = lambda topic, payload: published.append(topic) or publish(topic, payload)
    teach(a, "jar")
    fleet.run()
    kinds = [topic.split("/")[-2] for topic in published]
    assert (kinds.count("blob"), kinds.count("add")) == (1, 1)


def test_a_forged_report_is_not_taken(three):
    fleet, _a, _b, c = three
    fleet.run()
    report = fleet.broker.retained[TOPICS.have("a")]
    fleet.broker.publish(TOPICS.have("b"), report)
    fleet.broker.publish(TOPICS.have("a"), report.replace(b"held", b"helx"))
    before = have(fleet, "b")
    fleet.run(steps=10)
    # Both publish their own again, with the time until when they have heard of erasures.
    assert replace(have(fleet, "b"), erasures_since="") == replace(before, erasures_since="")
    for name in "ab":
        assert verified(fleet.broker.retained[TOPICS.have(name)], "shop").body["held"] == list(before.held)
    assert {"it is of another box", "it is not spelt as it was signed"} & set(c.inbox.dropped)


def test_what_stays_here_is_not_offered(shop, teach):
    fleet = shop()
    a, b = fleet.add("a"), fleet.add("b")
    a.membership = with_changes(a.membership, share="")
    teach(a, "mug", "pen")
    fleet.run()
    assert labels(b) == [] and holdings(a.store.settings) == {}
    a.publish(("pen",), "all")
    fleet.run()
    assert labels(b) == ["pen"] and labels(a) == ["mug", "pen"]


def test_a_group_keeps_its_lessons(shop, teach):
    fleet = shop()
    a, b, c = (
        fleet.add("a", groups=("till",)),
        fleet.add("b", groups=("till",)),
        fleet.add("c", groups=("yard",)),
    )
    teach(a, "mug")
    fleet.run()
    assert (labels(b), labels(c)) == (["mug"], [])
    # A teacher of another group deletes nothing.
    [pack] = holdings(a.store.settings)
    c.delete(pack, "till")
    fleet.run()
    assert labels(b) == ["mug"]
    assert "its signer may not delete packs of this group" in b.inbox.dropped


def test_a_box_of_another_backbone_holds_nothing(shop, teach):
    fleet = shop()
    a, b = fleet.add("a"), fleet.add("b", {"fingerprint": "1f" * 32})
    teach(a, "mug", "pen")
    fleet.run()
    assert labels(b) == [] and b.fetching == 0


def test_equal_names_are_named_after_their_signers_by_policy(shop, teach, answers):
    fleet = shop(names="signer")
    a, b, c = (fleet.add(name) for name in ("a", "b", "c"))
    teach(a, "mug", "pen")
    fleet.run()
    assert labels(c) == ["mug", "pen"]
    teach(b, "mug", shots=7)
    fleet.run()
    expected = sorted(["pen", *(f"mug@{box.inbox.public[:8]}" for box in (a, b))])
    assert labels(a) == labels(b) == labels(c) == expected
    assert answers(a) == answers(b) == answers(c)


def test_a_revoked_box_is_out_and_a_new_key_is_in_force(three, teach):
    fleet, a, b, c = three
    fleet.run()
    fleet.admin.revoke("b", until=10_000)
    fleet.broker.publish(TOPICS.roster(), fleet.admin.message().data)
    del fleet.boxes["b"]
    teach(a, "key")
    fleet.run()
    assert labels(c) == ["cup", "key", "mug", "pen"]
    assert c.inbox.keys().keys() == {1, 2}
    with pytest.raises(FleetError, match="was revoked"):
        for _ in range(3):
            b.step(0)
    assert b.inbox.keys().keys() == {1}


def test_an_old_list_of_members_is_replaced_by_the_one_in_force(three):
    fleet, _a, _b, c = three
    old = fleet.admin.message().data
    fleet.admin.revoke("b", until=10_000)
    del fleet.boxes["b"]
    fleet.broker.publish(TOPICS.roster(), fleet.admin.message().data)
    fleet.run()
    fleet.broker.publish(TOPICS.roster(), old)
    fleet.run()
    assert c.inbox.roster.epoch == 2
    assert fleet.broker.retained[TOPICS.roster()] == fleet.admin.message().data


def test_the_records_and_keys_are_for_the_user_alone_and_name_no_class(three):
    fleet, a, *_ = three
    fleet.run()
    folder = a.records._path.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0
    with sqlite3.connect(a.records._path) as connection:
        assert "mug" not in "\n".join(connection.iterdump())


def test_a_bad_lesson_stops_at_ring_0(shop, teach):
    fleet = shop()
    first, later = fleet.add("first", roles=("teacher", "judge")), fleet.add("later", ring=1)
    teach(first, "mug", "pen", "cup", shots=12)
    fleet.run()
    assert labels(later) == ["cup", "mug", "pen"]
    # The pictures of a pen, and of a mug, under the name of the other.
    teacher = fleet.add("teacher", ring=0)
    teach(teacher, "mug", "pen", shots=30, pictures_of={"mug": "pen", "pen": "mug"})
    fleet.run(among=["teacher"])
    generation = later.store.latest()
    fleet.run()
    assert later.store.latest() == generation
    assert labels(first) == labels(later) == ["cup", "mug", "pen"]
    assert any("fell by" in reason for reason in have(fleet, "first").judged.values())


@dataclass(frozen=True)
class Seen:
    jpeg: bytes
    sharpness: float = 1.0


def test_kept_pictures_stay_with_a_published_lesson_and_go_with_its_tombstone(shop, teach):
    fleet = shop()
    a, b = fleet.add("a"), fleet.add("b")
    teach(a, "mug", "pen")
    thumbnails = Thumbnails(a.store.path)
    thumbnails.turn_on()
    picture = b"a picture of the mug" * 20
    thumbnails.keep(a.learner.state.tasks[0], {"mug": [Seen(picture)]}, owner_of(a.store))
    fleet.run()
    [group] = [one for task in a.learner.state.tasks for one in classes_of(task, "mug")]
    assert thumbnails.of([group], 9, a.store.identity())
    # It is another box that forgets.
    b.learner.forget("mug")
    fleet.run()
    assert labels(a) == ["pen"]
    assert not thumbnails.of([group], 9, a.store.identity())
    thumbnails.close()
    assert picture not in thumbnails.path.read_bytes()


def test_the_stores_of_a_fleet_match_their_audit_logs(three):
    fleet, a, b, c = three
    fleet.run()
    forget_class(b.store, "mug")
    fleet.run()
    rollback(c.store, 0)
    fleet.run()
    for box in (a, b, c):
        assert verify(box.store).discrepancies == ()


def test_a_blob_that_is_lost_while_its_offer_stays_is_given_back(three, answers):
    fleet, a, *_ = three
    fleet.run()
    for name in [one for one in fleet.broker.retained if "/blob/" in one]:
        del fleet.broker.retained[name]
    new = fleet.add("d")
    fleet.run(steps=60)
    assert answers(new) == answers(a) != []
    # Once more, although nothing changed in what the box reports but the time.
    for name in [one for one in fleet.broker.retained if "/blob/" in one]:
        del fleet.broker.retained[name]
    last = fleet.add("e")
    fleet.run(steps=100)
    assert answers(last) == answers(a)


def test_an_encrypted_store_takes_part(shop, teach, answers, monkeypatch):
    fleet = shop()
    a = fleet.add("a")
    monkeypatch.setenv("EDGE_TOSCA_KEY", "5a" * 32)
    b = fleet.add("b")
    monkeypatch.delenv("EDGE_TOSCA_KEY")
    assert b.store.cipher.encrypted
    teach(a, "mug")
    teach(b, "pen")
    fleet.run()
    assert answers(a) == answers(b) != []
    features = a.store.features(a.learner.state.groups[0]).tobytes()
    folder = b.records._path.parent
    assert not any(features in file.read_bytes() for file in [b.store.path, *folder.iterdir()])


def test_a_box_that_changes_its_fleet_keeps_what_it_learned_and_does_not_pass_it_on(three, shop, tmp_path):
    fleet, _, _, c = three
    fleet.run()
    c.close()
    release_all(c.store)
    other = shop(folder="other")
    other.admin.invite(tmp_path / "other" / "c.invitation", "c")
    membership = read_invitation(tmp_path / "other" / "c.invitation", datetime.now(UTC))
    shutil.rmtree(folder_of(c.store.path))
    save_membership(c.store.path, membership)
    again = other.open("c", c.store, membership)
    other.run(steps=10)
    assert labels(again) == ["cup", "mug", "pen"]
    assert not retained(other, "add")
    again.publish(("pen",))
    other.run(steps=10)
    assert len(retained(other, "add")) == 1
    again.close()
    del fleet.boxes["c"]


def test_a_box_that_took_on_another_backbone_erases_nothing(three):
    fleet, _, _, c = three
    fleet.run()
    with c.store.transaction():
        c.store.set_setting("fingerprint", "1f" * 32)
    # `migrate` makes a generation, which has the same effect.
    c.look_again()
    fleet.run(among=["c"])
    assert {one.label for one in c.store.state().groups} == {"cup", "mug", "pen"}
    assert held_packs(c.store) == {}
