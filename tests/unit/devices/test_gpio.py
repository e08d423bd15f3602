"""A line whose edge asks for a look: all above the line itself, which no machine here has."""

import queue
import time
from contextlib import closing

import pytest

from edge_tosca.devices.gpio import GpioLine, GpioLook
from edge_tosca.errors import EdgeToscaError


def eventually(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


class Line:
    """A request of gpiod 2, whose edges the test makes."""

    def __init__(self):
        self.edges, self.lost, self.released = queue.Queue(), False, False

    def wait_edge_events(self, timeout):
        if self.lost:
            raise OSError(19, "No such device")
        time.sleep(0.005)
        return not self.edges.empty()

    def read_edge_events(self):
        return [self.edges.get() for _ in range(self.edges.qsize())]

    def release(self):
        self.released = True


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/dev/gpiochip0:17", GpioLine("/dev/gpiochip0", 17, "rising")),
        ("/dev/gpiochip4:5:falling", GpioLine("/dev/gpiochip4", 5, "falling")),
        ("/dev/gpiochip0:0:both", GpioLine("/dev/gpiochip0", 0, "both")),
    ],
)
def test_a_line_is_read(text, line):
    assert GpioLine.parse(text) == line


@pytest.mark.parametrize("text", ["17", "gpiochip0:17", "/dev/gpiochip0", "/dev/gpiochip0:x", "/dev/a:1:up"])
def test_what_names_no_line_is_refused(text):
    with pytest.raises(EdgeToscaError, match="/dev/gpiochip0:17"):
        GpioLine.parse(text)


def test_each_edge_asks_for_a_look_and_a_bouncing_contact_for_one():
    line, looks = Line(), []
    with closing(GpioLook("/dev/gpiochip0:17", lambda: looks.append(1), pytest.fail, lambda _: line)):
        for _ in range(5):
            line.edges.put("rising")
        eventually(lambda: looks)
        time.sleep(0.05)
        line.edges.put("rising")
        eventually(lambda: len(looks) == 2)
    assert line.released


def test_a_line_that_is_lost_is_reported_and_released():
    line, told = Line(), []
    with closing(GpioLook("/dev/gpiochip0:17", pytest.fail, told.append, lambda _: line)):
        line.lost = True
        eventually(lambda: told)
    assert told == ["gpio /dev/gpiochip0:17: no such device; check its wiring"]
    assert line.released


def test_a_chip_that_is_not_there_is_one_line():
    pytest.importorskip("gpiod", reason="gpiod is not installed")
    with pytest.raises(EdgeToscaError, match="cannot be used"):
        GpioLook("/dev/gpiochip99:1", pytest.fail, pytest.fail)
