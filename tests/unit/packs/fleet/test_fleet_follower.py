"""A program that answers follows its fleet in a thread: it erases before it answers."""

import pytest

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet import following
from edge_tosca.packs.fleet.background import FleetFollower
from edge_tosca.packs.fleet.holdings import holdings
from edge_tosca.store.store import Store


@pytest.fixture
def away(shop, teach, monkeypatch):
    """A box that missed an erasure, the fleet, and its transport to a broker in memory."""
    fleet = shop()
    a, b = fleet.add("a"), fleet.add("b")
    teach(a, "mug", "pen")
    fleet.run(steps=10)
    b.close()
    del fleet.boxes["b"]
    a.learner.forget("mug")
    fleet.run(steps=10)
    monkeypatch.setattr(following, "MqttTransport", lambda *_: fleet.broker.client())
    yield fleet, b.store
    b.store.close()


def test_what_was_deleted_meanwhile_is_erased_before_the_first_answer(away):
    _fleet, store = away
    assert len(holdings(store.settings)) == 2
    lines = []
    follower = FleetFollower(store.path, None, lines.append)
    assert follower.await_erasures(60)
    assert len(Store.open(store.path).state().labels) == 1
    assert follower.erasures_since
    follower.close()
    assert any("erasing 1" in line for line in lines)


def test_without_a_broker_it_goes_on_and_says_since_when_it_has_no_news(away, monkeypatch):
    fleet, store = away
    fleet.broker.up = False

    def unreachable(*_):
        made = fleet.broker.client()
        made.break_off()
        return made

    monkeypatch.setattr(following, "MqttTransport", unreachable)
    lines = []
    follower = FleetFollower(store.path, None, lines.append)
    assert not follower.await_erasures(0.5)
    follower.close()
    assert any("no news of erasures since 20" in line for line in lines)


def test_a_revoked_box_answers_on_unless_it_is_to_wait_for_erasures(away):
    fleet, store = away
    fleet.admin.revoke("b", 100)
    fleet.broker.publish(fleet.boxes["a"].inbox.topics.roster(), fleet.admin.message().data)
    lines = []
    follower = FleetFollower(store.path, None, lines.append)
    with pytest.raises(FleetError, match="was revoked"):
        follower.await_erasures(None)
    assert not follower.await_erasures(60)
    assert any("was revoked" in line for line in lines)
    follower.close()
