"""Of a connection that fails again and again each cause is one line, and attempts grow rarer."""

import pytest

from edge_tosca.watch.outage import FIRST_WAIT, LASTING_SECONDS, LONGEST_WAIT, Outage


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def pass_(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outage(clock):
    return Outage(clock)


def test_an_outage_is_reported_once_and_its_end_once(outage, clock):
    assert outage.connected() is None
    clock.pass_(LASTING_SECONDS)
    assert [outage.failed("lost") for _ in range(20)] == ["lost", *[None] * 19]
    assert outage.connected() == "restored"
    clock.pass_(LASTING_SECONDS)
    assert outage.check() is None
    assert outage.failed("lost") == "lost"


def test_a_broker_that_answers_and_refuses_is_another_cause(outage):
    assert [outage.failed("lost"), outage.failed("refused"), outage.failed("lost")] == [
        "lost",
        "refused",
        None,
    ]


def test_a_connection_that_does_not_last_is_one_outage(outage, clock):
    events = []
    outage.connected()
    for _ in range(10):
        clock.pass_(1)
        events += [outage.failed("lost"), outage.connected(), outage.check()]
    assert [event for event in events if event] == ["lost", "restored", "unstable"]
    clock.pass_(LASTING_SECONDS - 1)
    assert outage.check() is None
    clock.pass_(1)
    assert [outage.check(), outage.check()] == ["restored", None]


def test_waits_double_up_to_the_longest_and_differ_by_chance(outage, clock):
    for number in range(12):
        outage.failed("lost")
        longest = min(LONGEST_WAIT, FIRST_WAIT * 2**number)
        waits = {outage.wait() for _ in range(50)}
        assert all(longest / 2 <= wait <= longest for wait in waits)
        assert len(waits) > 10
    # A connection that is lost at once does not begin from the start.
    outage.connected()
    outage.failed("lost")
    assert outage.wait() >= LONGEST_WAIT / 2
    outage.connected()
    clock.pass_(LASTING_SECONDS)
    outage.failed("lost")
    assert outage.wait() <= FIRST_WAIT
