"""Appearances and seconds of what is shown, by region, class and hour."""

from dataclasses import dataclass

from edge_tosca.live import Place
from edge_tosca.live.dwell import Amount, Dwell, Key
from edge_tosca.results import Answer

GATE, BENCH = Place("gate", "left"), Place("bench", "frame")


@dataclass(frozen=True)
class Shown:
    place: Place
    answer: Answer


def shown(place, label, unknown=False):
    return Shown(place, Answer(label, 0.9, unknown, "task", (), 0.0, {}, 0.9, 0.1))


class Clocks:
    def __init__(self):
        self.now, self.wall = 100.0, 3600.0 * 500

    def counter(self):
        return Dwell(lambda: self.now, lambda: self.wall)

    def pass_by(self, seconds):
        self.now += seconds
        self.wall += seconds


def test_a_class_is_counted_once_for_each_appearance_and_for_as_long_as_it_is_shown():
    clocks = Clocks()
    dwell = clocks.counter()
    dwell.change(shown(GATE, "mug"))
    clocks.pass_by(10)
    dwell.change(shown(GATE, "pen"))
    clocks.pass_by(5)
    dwell.change(shown(GATE, "mug"))
    clocks.pass_by(1)
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(2, 11.0), Key(500, GATE, "pen"): Amount(1, 5.0)}
    clocks.pass_by(2)
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(0, 2.0)}
    assert dwell.totals()[GATE, "mug"] == Amount(2, 13.0)


def test_regions_are_counted_apart_and_what_is_unknown_has_no_label():
    clocks = Clocks()
    dwell = clocks.counter()
    dwell.change(shown(GATE, "mug"))
    dwell.change(shown(BENCH, "mug", unknown=True))
    clocks.pass_by(3)
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(1, 3.0), Key(500, BENCH, None): Amount(1, 3.0)}


def test_time_without_answers_is_not_counted_and_the_thing_has_not_appeared_again():
    clocks = Clocks()
    dwell = clocks.counter()
    dwell.change(shown(GATE, "mug"))
    clocks.pass_by(4)
    dwell.available({GATE: False})
    clocks.pass_by(100)
    dwell.available({GATE: True})
    clocks.pass_by(1)
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(1, 5.0)}


def test_a_region_that_is_gone_is_counted_no_longer():
    clocks = Clocks()
    dwell = clocks.counter()
    dwell.change(shown(GATE, "mug"))
    dwell.available({BENCH: True})
    clocks.pass_by(9)
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(1, 0.0)}


def test_seconds_go_to_the_hour_in_which_they_are_counted():
    clocks = Clocks()
    clocks.wall += 3599
    dwell = clocks.counter()
    dwell.change(shown(GATE, "mug"))
    for _ in range(3):
        clocks.pass_by(1)
        dwell.available({GATE: True})
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(1, 0.0), Key(501, GATE, "mug"): Amount(0, 3.0)}


def test_what_could_not_be_written_is_written_with_the_next():
    clocks = Clocks()
    dwell = clocks.counter()
    dwell.change(shown(GATE, "mug"))
    clocks.pass_by(2)
    taken = dwell.take()
    clocks.pass_by(3)
    dwell.put_back(taken)
    assert dwell.take() == {Key(500, GATE, "mug"): Amount(1, 5.0)}


def test_totals_of_a_class_that_was_forgotten_are_dropped():
    dwell = Clocks().counter()
    dwell.change(shown(GATE, "mug"))
    dwell.change(shown(BENCH, "pen"))
    dwell.change(shown(BENCH, "x", unknown=True))
    dwell.keep(["pen"])
    assert set(dwell.totals()) == {(BENCH, "pen"), (BENCH, None)}


def test_there_is_a_limit_to_what_waits(monkeypatch):
    monkeypatch.setattr("edge_tosca.live.dwell.MAX_KEYS", 3)
    dwell = Clocks().counter()
    for number in range(10):
        dwell.change(shown(GATE, f"thing {number}"))
    assert len(dwell.take()) == 3 and len(dwell.totals()) == 3
