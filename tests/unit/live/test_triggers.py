"""Which frames are worth a look: still, noisy, drifting and moving scenes, intervals and requests."""

import numpy as np
import pytest

from edge_tosca.errors import LearnError
from edge_tosca.live.consensus import FRAMES
from edge_tosca.live.motion import Motion, cells_of
from edge_tosca.live.triggers import Always, EverySeconds, OnMotion, OnRequest, parse_trigger

FPS = 15
GREY = np.full((120, 160, 3), 120, np.uint8)


def noisy(scene, rng, deviation=6.0):
    return np.clip(scene + rng.normal(0, deviation, scene.shape), 0, 255).astype(np.uint8)


def looked_at(trigger, frames, since=0.0):
    return [trigger.due(frame, since + place / FPS) for place, frame in enumerate(frames)]


def with_square(side, level=200, scene=GREY):
    changed = scene.copy()
    changed[30 : 30 + side, 50 : 50 + side] = level
    return changed


def test_always_looks_and_a_request_opens_one_look():
    assert looked_at(Always(), [GREY] * 3) == [True] * 3
    asked = OnRequest()
    assert looked_at(asked, [GREY] * 3) == [False] * 3
    asked.request()
    assert looked_at(asked, [GREY] * (FRAMES + 2)) == [True] * FRAMES + [False] * 2


def test_an_interval_counts_from_the_beginning_of_a_look():
    trigger = EverySeconds(2)
    looks = looked_at(trigger, [GREY] * (4 * FPS))
    assert [place for place, due in enumerate(looks) if due] == [*range(FRAMES), *range(30, 30 + FRAMES)]
    trigger.request()
    assert looked_at(trigger, [GREY] * 6, since=3.9) == [True] * 6


def test_a_cell_is_the_mean_of_its_samples_whatever_the_size():
    assert cells_of(GREY).shape == (30, 20, 3)
    for height, width in ((32, 33), (127, 129), (720, 1280), (1081, 700)):
        scene = np.full((height, width, 3), (10, 20, 30), np.uint8)
        cells = cells_of(scene)
        assert cells.shape[0] <= 32 and cells.shape[1] <= 32
        assert (cells == np.array([10, 20, 30])).all()


def test_a_still_scene_is_looked_at_once_however_noisy():
    rng = np.random.default_rng(0)
    for deviation in (0.0, 3.0, 12.0):
        trigger = OnMotion()
        looks = looked_at(trigger, [noisy(GREY, rng, deviation) for _ in range(20 * FPS)])
        assert all(looks[: 2 * FPS])
        assert not any(looks[3 * FPS :])


def test_a_thing_that_appears_is_looked_at_until_it_has_lain_still():
    rng = np.random.default_rng(1)
    trigger = OnMotion(hold=1.0)
    before = [noisy(GREY, rng) for _ in range(4 * FPS)]
    after = [noisy(with_square(20), rng) for _ in range(4 * FPS)]
    assert not looked_at(trigger, before)[-1]
    looks = looked_at(trigger, after, since=4.0)
    assert looks[0]
    assert FPS <= sum(looks) <= 2 * FPS
    # And again when it is taken away.
    assert looked_at(trigger, [noisy(GREY, rng)], since=8.0) == [True]


def test_a_thing_that_comes_slowly_is_noticed():
    rng = np.random.default_rng(2)
    trigger = OnMotion(hold=0.5)
    looked_at(trigger, [noisy(GREY, rng) for _ in range(4 * FPS)])
    slow = [noisy(with_square(24, 120 + level // 2), rng) for level in range(120)]
    assert any(looked_at(trigger, slow, since=4.0))


def test_another_colour_of_the_same_lightness_is_noticed():
    rng = np.random.default_rng(3)
    red, green = GREY.copy(), GREY.copy()
    red[30:60, 50:80], green[30:60, 50:80] = (180, 90, 90), (90, 180, 90)
    trigger = OnMotion(hold=0.5)
    assert not looked_at(trigger, [noisy(red, rng) for _ in range(4 * FPS)])[-1]
    assert looked_at(trigger, [noisy(green, rng)], since=4.0) == [True]


def test_light_that_changes_everywhere_alike_is_no_motion_and_a_lamp_is():
    rng = np.random.default_rng(4)
    scene = rng.integers(40, 180, GREY.shape).astype(np.uint8)
    trigger = OnMotion(hold=0.5)
    looked_at(trigger, [noisy(scene, rng) for _ in range(4 * FPS)])
    brighter = [noisy(scene * (1 + 0.15 * share), rng) for share in np.linspace(0, 1, 4 * FPS)]
    assert not any(looked_at(trigger, brighter, since=4.0))
    assert looked_at(trigger, [noisy(scene * 0.6, rng)], since=8.0) == [True]


def test_what_flickers_all_the_time_becomes_noise_and_what_passes_does_not():
    rng = np.random.default_rng(5)
    flicker = [noisy(with_square(40, 120 + 40 * (place % 2)), rng) for place in range(20 * FPS)]
    assert not any(looked_at(OnMotion(), flicker)[-5 * FPS :])
    # A thing that lies there for one second in five is seen each time.
    passing = [noisy(with_square(40) if place % 75 < 15 else GREY, rng) for place in range(40 * FPS)]
    looks = looked_at(OnMotion(hold=0.2), passing)
    assert all(looks[place] for place in range(75, 40 * FPS, 75))


def test_motion_smaller_than_the_area_is_none():
    motion = Motion(area=0.05)
    for _ in range(3):
        motion.add(GREY)
    motion.settle()
    assert motion.add(with_square(16)) == (False, False)
    assert motion.add(with_square(60)) == (True, True)


def test_a_frame_of_another_size_is_looked_at():
    trigger = OnMotion(hold=0.5)
    looked_at(trigger, [GREY] * (2 * FPS))
    assert looked_at(trigger, [GREY[:100]], since=2.0) == [True]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("always", "always"),
        (" Motion ", "motion"),
        ("request", "request"),
        ("every 5s", "every 5s"),
        ("every 0.5 s", "every 0.5s"),
    ],
)
def test_a_trigger_is_read_and_spelt_back(text, word):
    trigger = parse_trigger(text)
    assert trigger.word == word
    assert parse_trigger(trigger.word).word == word


@pytest.mark.parametrize("text", ["", "never", "every", "every 0s", "every 5", "every -1s", "every 1e9s"])
def test_what_is_no_trigger_is_refused_with_the_choice(text):
    with pytest.raises(LearnError, match="choose"):
        parse_trigger(text)


def test_an_area_out_of_range_is_refused():
    for area in (0.0, 1.5):
        with pytest.raises(LearnError, match="area"):
            Motion(area)
