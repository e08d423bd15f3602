"""The device part runs on an ARM64 board as it does on x86, and what is compared can tell when it does not.

A run on an emulated board needs qemu and minutes, so it happens only where EDGE_TOSCA_ARM64=1 asks for it.
"""

import os

import pytest
from answers import MARGIN, compare, run
from emulator import obstacle, prepare

PROBABILITIES = (0.6, 0.3, 0.1)


def answer(path, *labels, probabilities=PROBABILITIES, unknown=False):
    top = [
        {"label": label, "confidence": confidence}
        for label, confidence in zip(labels, probabilities, strict=True)
    ]
    return {"path": path, "label": labels[0], "unknown": unknown, "top": top}


def test_answers_that_agree_hold():
    same = [answer("1.jpg", "mug", "cup", "jug"), answer("2.jpg", "jug", "cup", "mug")]
    found = compare("test", same, same)
    assert found.holds
    assert (found.pictures, found.differences, found.other_unknown, found.largest_change) == (2, (), 0, 0)


def test_another_label_holds_only_where_the_two_best_were_close():
    there = [answer("1.jpg", "cup", "mug", "jug")]
    clear = compare("test", [answer("1.jpg", "mug", "cup", "jug")], there)
    assert not clear.holds
    assert clear.differences[0].margin == pytest.approx(0.3)
    close = (0.46, 0.46 - 0.9 * MARGIN, 0.1)
    assert compare("test", [answer("1.jpg", "mug", "cup", "jug", probabilities=close)], there).holds


def test_an_unknown_that_is_known_elsewhere_is_counted():
    here = [answer("1.jpg", "mug", "cup", "jug", unknown=True)]
    found = compare("test", here, [answer("1.jpg", "mug", "cup", "jug")])
    assert found.other_unknown == 1


@pytest.fixture
def emulator(tmp_path):
    if os.environ.get("EDGE_TOSCA_ARM64") != "1":
        pytest.skip("set EDGE_TOSCA_ARM64=1 to run the device part on an emulated ARM64 board")
    if reason := obstacle():
        pytest.skip(reason)
    return prepare(tmp_path, print)


def test_a_raspberry_pi_4_learns_and_answers_as_x86_does(emulator, draw_pictures, tmp_path):
    core = emulator.core("cortex-a72")
    assert core.run("-c", "from edge_tosca.devices import detect; print(detect().name)") == "raspberry-pi-4\n"
    learn = draw_pictures(tmp_path / "learn", ("apple", "brick"), count=3)
    ask = draw_pictures(tmp_path / "ask", ("apple", "brick"), count=1, start=100)
    account = run(emulator, ["cortex-a72"], learn, ask, tmp_path, print)
    assert account["holds"]
    assert account["cores"]["cortex-a72"]["accuracy"] == 1
    assert min(account["cores"]["cortex-a72"]["golden"]["cosines"]) > 0.99
