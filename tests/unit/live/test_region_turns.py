"""Turns of regions over one backbone, and what one region does to the others."""

import shutil
import time
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge_tosca import Learner
from edge_tosca.devices.camera import Stream
from edge_tosca.live import Live, Place
from edge_tosca.live.regions import put_region, remove_region
from edge_tosca.live.turns import Turns
from edge_tosca.runtime.region import Region

PATIENCE = 30


def eventually(holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@given(st.integers(1, 12), st.integers(1, 200))
def test_of_n_that_always_want_a_turn_each_gets_one_in_n(n, rounds):
    turns, taken = Turns(), dict.fromkeys(range(n), 0)
    for _ in range(rounds):
        first = turns.order(range(n))[0]
        turns.take(first)
        taken[first] += 1
    assert max(taken.values()) - min(taken.values()) <= 1


def test_who_wants_no_turn_keeps_none_back_and_is_first_when_it_wants_one():
    turns = Turns()
    for _ in range(5):
        for key in ("a", "b"):
            turns.take(key)
    assert turns.order("abc")[0] == "c"
    turns.take("c")
    assert turns.order("abc") == ["a", "b", "c"]
    assert turns.order("cx") == ["x", "c"]


class Still:
    """A camera that gives one picture again and again."""

    def __init__(self, pixels, pause=0.005):
        self.pixels, self.pause, self.open = pixels, pause, True

    def __call__(self):
        return self

    def read(self):
        time.sleep(self.pause)
        return self.pixels.copy()

    def close(self):
        self.open = False


@pytest.fixture(scope="module")
def looks(tmp_path_factory, draw_pictures):
    folder = draw_pictures(tmp_path_factory.mktemp("looks"), ("apple", "zebra"), count=6)
    return {
        label: [np.asarray(Image.open(path)) for path in sorted((folder / label).iterdir())]
        for label in ("apple", "zebra")
    }


@pytest.fixture(scope="module")
def taught(tmp_path_factory, looks):
    path = tmp_path_factory.mktemp("taught") / "shop.tosca"
    with closing(Learner.create(path, threads=1)) as learner:
        learner.learn(looks, force=True)
    return path


@pytest.fixture
def store(taught, tmp_path):
    path = shutil.copy(taught, tmp_path / "shop.tosca")
    with closing(Learner.open(path)) as learner:
        put_region(learner.store, "main", "left", Region(0, 0, 0.5, 1))
        put_region(learner.store, "main", "right", Region(0.5, 0, 0.5, 1))
    return path


@pytest.fixture
def run(store):
    """Run a loop over cameras by name, and stop it in the end."""
    running = []

    def begin(cameras, **options):
        streams = {name: Stream(camera, name) for name, camera in cameras.items()}
        live = Live(streams, lambda: Learner.open(store, threads=1), **options)
        running.extend((live, *streams.values()))
        for stream in streams.values():
            stream.start()
        live.start()
        return live

    yield begin
    for one in running:
        one.close()


def side_by_side(looks):
    return np.concatenate([looks["apple"][0], looks["zebra"][0]], axis=1)


def shown(live, camera, region):
    answer = live.newest(0, 0.0, Place(camera, region))
    return answer and answer.shown.answer and answer.shown.answer.label


def change(store, act, *words):
    with closing(Learner.open(store)) as learner:
        act(learner.store, *words)


def test_each_region_answers_for_its_part_and_all_get_the_same_number_of_turns(run, looks):
    live = run({"main": Still(side_by_side(looks)), "gate": Still(looks["zebra"][0])})
    eventually(lambda: shown(live, "main", "left") == "apple")
    eventually(lambda: shown(live, "main", "right") == "zebra")
    eventually(lambda: shown(live, "gate", "frame") == "zebra")
    places = [state.place for state in live.places()]
    assert places == [Place("main", "left"), Place("main", "right"), Place("gate", "frame")]
    before = [live.stats(place).answered for place in places]
    eventually(lambda: live.stats(places[0]).answered > before[0] + 20)
    gained = [live.stats(place).answered - then for place, then in zip(places, before, strict=True)]
    # The cameras give frames faster than they are answered, so that turns alone decide.
    assert max(gained) - min(gained) <= 3
    answer = live.newest(place=places[0])
    assert answer.frame.pixels.shape == looks["apple"][0].shape
    with closing(Learner.open(live._path, threads=1)) as learner:
        assert learner.predict(looks["apple"][0]).confidence == answer.answer.confidence


def test_regions_that_change_in_the_store_change_in_the_loop(run, looks, store):
    live = run({"main": Still(side_by_side(looks))})
    eventually(lambda: shown(live, "main", "left") == "apple")
    change(store, put_region, "main", "left", Region(0.5, 0, 0.5, 1))
    eventually(lambda: shown(live, "main", "left") == "zebra")
    change(store, put_region, "main", "left", Region(0.5, 0, 0.5, 1), ["apple"])
    eventually(lambda: shown(live, "main", "left") == "apple")
    for name in ("left", "right"):
        change(store, remove_region, "main", name)
    eventually(lambda: [state.place for state in live.places()] == [Place("main", "frame")])


def test_a_region_that_cannot_be_answered_stops_no_other(run, looks, store):
    change(store, put_region, "main", "tiny", Region(0, 0, 0.05, 0.05))
    events = []
    live = run({"main": Still(side_by_side(looks))}, on_event=events.append)
    eventually(lambda: shown(live, "main", "left") == "apple")
    tiny = Place("main", "tiny")
    eventually(lambda: live.stats(tiny).error is not None)
    assert "needs 32x32" in live.stats(tiny).error and live.newest(0, 0.0, tiny) is None
    assert live.stats(Place("main", "left")).error is None
    # Reported once, however many frames come.
    count = live.stats(Place("main", "left")).answered
    eventually(lambda: live.stats(Place("main", "left")).answered > count + 10)
    assert sum("needs 32x32" in event for event in events) == 1


def test_a_trigger_decides_which_frames_are_answered_and_others_cost_no_answer(run, looks):
    class Second:
        word = "second"

        def __init__(self):
            self.asked = 0

        def request(self):
            """The store is new to the loop, which asks for a look."""

        def due(self, crop, now):
            self.asked += 1
            assert crop.shape == looks["apple"][0].shape
            return self.asked == 2

    triggers = {}
    live = run(
        {"main": Still(side_by_side(looks))}, triggers=lambda place: triggers.setdefault(place, Second())
    )
    eventually(lambda: all(one.asked > 30 for one in triggers.values()) and len(triggers) == 2)
    states = live.places()
    assert [live.stats(state.place).answered for state in states] == [1, 1]
    # The answer still holds: the frames after it were looked at.
    assert all(state.looked_at > state.newest.frame.at for state in states)


def test_changes_are_reported_with_camera_and_region(run, looks):
    found = []
    run({"main": Still(side_by_side(looks))}, on_change=found.append)
    eventually(lambda: len(found) >= 2)
    reported = {(answer.place.region, answer.shown.answer.label) for answer in found}
    assert reported == {("left", "apple"), ("right", "zebra")}


def test_cameras_come_and_go_while_the_loop_runs(run, looks):
    live = run({"main": Still(side_by_side(looks))}, ends=False)
    eventually(lambda: shown(live, "main", "left") == "apple")
    with closing(Stream(Still(looks["zebra"][0]), "gate")) as gate:
        gate.start()
        live.add_camera("gate", gate)
        eventually(lambda: shown(live, "gate", "frame") == "zebra")
        live.remove_camera("gate")
        eventually(lambda: len(live.places()) == 2)
    assert live.newest(0, 0.0, Place("gate", "frame")) is None
