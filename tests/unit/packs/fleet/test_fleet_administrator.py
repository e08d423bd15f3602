"""The administrator at the broker: revocation, lessons encrypted again, commands, and what boxes report."""

import pytest

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet import admin_session
from edge_tosca.packs.fleet.admin_session import AdminSession
from edge_tosca.packs.fleet.encryption import epoch_of
from edge_tosca.packs.fleet.holdings import holdings
from edge_tosca.packs.fleet.status import fleet_status


@pytest.fixture
def fleet(shop, teach, monkeypatch):
    """A fleet of two boxes that taught and one that did not, with its administrator connected."""
    monkeypatch.setattr(admin_session, "_QUIET_SECONDS", 0.02)
    monkeypatch.setattr(AdminSession, "_drain", lambda *_: None)
    made = shop()
    for name, label in (("a", "mug"), ("b", "pen"), ("c", None)):
        box = made.add(name)
        if label:
            teach(box, label)
    made.run(steps=10)
    made.session = AdminSession(made.admin, made.broker.client())
    made.session.gather(f"{made.session.topics.root}/#")
    return made


def revoke(fleet, box, **options):
    key = fleet.admin.roster.named(box).key
    fleet.admin.revoke(box, options.get("until", fleet.session.last_number(key)))
    fleet.session.publish_roster()
    return fleet.session.encrypt_again(5)


def test_all_lessons_are_encrypted_under_the_new_key_after_a_revocation(fleet):
    assert revoke(fleet, "b") == (2, 0)
    blobs = [data for name, data in fleet.broker.retained.items() if "/blob/" in name]
    assert [epoch_of(one) for one in blobs] == [2, 2]
    del fleet.boxes["b"]
    fleet.boxes["d"] = fleet.add("d")
    fleet.run(steps=10)
    assert set(fleet.boxes["d"].learner.state.labels) == {"mug", "pen"}


def test_what_a_revoked_box_signs_afterwards_does_not_count(fleet, teach):
    b = fleet.boxes.pop("b")
    revoke(fleet, "b")
    teach(b, "key")
    b.publish()
    b.delete(next(iter(holdings(fleet.boxes["a"].store.settings))), "all")
    fleet.run(steps=10)
    assert set(fleet.boxes["c"].learner.state.labels) == {"mug", "pen"}


def test_a_revocation_can_take_the_lessons_along(fleet):
    del fleet.boxes["b"]
    revoke(fleet, "b", until=0)
    fleet.run(steps=10)
    assert fleet.boxes["c"].learner.state.labels == ("mug",)


def test_a_command_is_carried_out_once_and_only_if_an_administrator_sent_it(fleet):
    c = fleet.boxes["c"]
    number = fleet.session.command("c", "strictness", "0.9")
    topic = fleet.session.topics.command("c", number)
    sent = fleet.broker.retained[topic]
    fleet.run(steps=2)
    assert c.learner.strictness.value == 0.9
    assert topic not in fleet.broker.retained
    c.learner.set_strictness(0.2)
    fleet.broker.publish(topic, sent)
    fleet.run(steps=2)
    assert c.learner.strictness.value == 0.2
    fleet.session.command("c", "rollback", "0")
    fleet.run(steps=3)
    assert c.learner.state.labels == () and len(c.haves()) == 3
    with pytest.raises(FleetError, match="no box 'x'"):
        fleet.session.command("x", "pin", "on")
    with pytest.raises(FleetError, match="is no command"):
        fleet.session.command("c", "pin", "maybe")


def test_a_box_that_is_pinned_imports_nothing_and_erases(fleet, teach):
    a, c = fleet.boxes["a"], fleet.boxes["c"]
    fleet.session.command("c", "pin", "on")
    fleet.run(steps=2)
    teach(a, "key")
    a.learner.forget("mug")
    fleet.run(steps=10)
    assert c.learner.state.labels == ("pen",)
    fleet.session.command("c", "pin", "off")
    fleet.run(steps=10)
    assert set(c.learner.state.labels) == {"pen", "key"}


def test_the_status_names_the_boxes_that_have_not_confirmed_an_erasure(fleet):
    fleet.boxes["c"].transport.break_off()
    fleet.boxes["a"].learner.forget("mug")
    fleet.run(steps=5, among=["a", "b"])
    fleet.session.gather(f"{fleet.session.topics.root}/#")
    found = fleet_status(fleet.session)
    assert [(one["box"], one["online"], one["held"]) for one in found["boxes"]] == [
        ("a", True, 1),
        ("b", True, 1),
        ("c", False, 2),
    ]
    assert list(found["unconfirmed"].values()) == [["c"]]
    assert found["offers"] == 1
