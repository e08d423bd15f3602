"""Everything without a pointer, and holding for those who cannot hold."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Served
from stage import Stage, photographs
from technician import Technician

pytestmark = pytest.mark.long

_MOST_STEPS = 60

_FOCUSED = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  return {
    name: one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent,
    visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  };
}"""


# The link to the place says how many pictures wait in it.
_TEACH = r"Teach(\d+, .*)?"


def _tab_to(who: Technician, pattern: str) -> None:
    """Press Tab until something of this name has the focus, which must be seen all the way."""
    for _ in range(_MOST_STEPS):
        who.page.keyboard.press("Tab")
        focused = who.page.evaluate(_FOCUSED)
        # Past the last element, the focus leaves the page for the browser for one step.
        if who.page.evaluate("document.activeElement !== document.body"):
            assert focused["visible"], f"the focus on {focused['name']!r} cannot be seen"
            if re.fullmatch(pattern, focused["name"].strip()):
                return
    raise AssertionError(f"Tab never led to {pattern!r}")


def test_two_things_are_taught_with_the_keyboard_alone(
    box: Served, stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    who = visit(box).go("live")
    keyboard = who.page.keyboard
    for thing in ("Pineapple", "Orange"):
        stage.show(photographs(shared_data, thing))
        _tab_to(who, _TEACH)
        keyboard.press("Enter")
        who.heading("Teach")
        _tab_to(who, r"What is it called\?")
        keyboard.type(thing)
        keyboard.press("Enter")
        who.heading(thing)
        keyboard.down(" ")
        who.counted(20)
        keyboard.up(" ")
        _tab_to(who, "Done")
        keyboard.press("Enter")
        who.sees(re.compile(r"^\d+ pictures\. Remove those"))
    _tab_to(who, "Remove picture 3")
    keyboard.press("Space")
    _tab_to(who, "Teach 2 classes")
    keyboard.press("Enter")
    who.heading(re.compile("^Learned"))
    assert sorted(box.labels()) == ["Orange", "Pineapple"]

    _tab_to(who, "Watch it live")
    keyboard.press("Enter")
    who.answer_is("Orange")
    _tab_to(who, "That was wrong")
    keyboard.press("Enter")
    who.heading("What is it?")
    keyboard.press("Escape")
    who.page.get_by_role("dialog").wait_for(state="detached")
    assert who.page.evaluate(_FOCUSED)["name"] == "That was wrong"


def test_one_press_begins_and_the_next_one_ends_for_those_who_cannot_hold(
    box: Served, stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    stage.show(photographs(shared_data, "Leek"))
    who = visit(box).go("capture?label=Leek")
    who.page.get_by_role("switch", name="Press once instead of holding").click()
    who.press(re.compile("^Press to begin taking pictures"))
    who.counted(3)
    who.press(re.compile("^Taking pictures, press to stop"))
    who.button(re.compile("^Press to begin taking pictures")).wait_for()
    who.go("teach").go("capture?label=Leek")
    who.button(re.compile("^Press to begin taking pictures")).wait_for()


def test_enter_begins_and_ends_without_holding(
    box: Served, stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    stage.show(photographs(shared_data, "Ginger"))
    who = visit(box).go("capture?label=Ginger")
    who.button(re.compile("^Hold to take pictures")).focus()
    who.page.keyboard.press("Enter")
    who.counted(2)
    who.page.keyboard.press("Enter")
    who.button(re.compile("^Hold to take pictures")).wait_for()
