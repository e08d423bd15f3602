"""Daily use: the last answers, many pictures at once, questions, and a restart between."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import Served
from stage import Stage, photographs
from technician import PHONE, SMALL, Technician

pytestmark = pytest.mark.long

_GIVEN_WAY = (404,)


@pytest.fixture(scope="module")
def taught(serve_all: Callable[..., Served], stage: Stage, shared_data: Path) -> Iterator[Served]:
    """A box that knows two classes, keeps pictures, and has shown three objects."""
    box = serve_all("--camera", stage.folder)
    box.change("PUT", "/settings", {"keep_pictures": True})
    box.teach({name: photographs(shared_data, name)[:20] for name in ("Pineapple", "Orange")})
    stage.show(photographs(shared_data, "Oatly-Oat-Milk"))
    box.wait_for_unknown(8)
    stage.show(photographs(shared_data, "Pineapple")[20:26])
    yield box
    stage.show([])


def test_the_last_answers_are_right_or_wrong_by_one_press(
    taught: Served, visit: Callable[..., Technician]
) -> None:
    who = visit(taught, SMALL, refusals=_GIVEN_WAY).go("live")
    who.answer_is("Pineapple")
    assert (
        who.page.locator(".live").evaluate(
            "one => getComputedStyle(one).gridTemplateColumns.split(' ').length"
        )
        == 3
    )
    who.button("Right: it is Pineapple").first.click()
    who.sees(re.compile("waits? to be taught"))
    (waiting,) = taught.get("/queue")["classes"]
    assert (waiting["label"], waiting["hints"]) == ("Pineapple", [])
    who.page.locator(".answers").get_by_role("button", name="Tell it what this is").first.click()
    who.heading("What is it?")
    who.page.get_by_role("dialog").get_by_role("button", name="Orange").click()
    who.sees("Added to Orange")
    who.page.locator(".answers .settled", has_text="Orange").wait_for()


def test_an_unknown_answer_has_no_bar_and_asks_to_be_named(
    taught: Served, visit: Callable[..., Technician], stage: Stage, shared_data: Path
) -> None:
    stage.show(photographs(shared_data, "Oatly-Oat-Milk"))
    who = visit(taught, PHONE, refusals=_GIVEN_WAY).go("live")
    who.answer_is("Unknown")
    assert not who.page.locator(".answer .share").is_visible()
    assert "%" not in who.page.locator(".answer .share").inner_text()
    asked = who.page.locator(".asked")
    asked.get_by_role("button", name="Tell it what this is").wait_for()
    stage.show(photographs(shared_data, "Pineapple")[20:26])
    asked.get_by_role("button", name="That was wrong").wait_for()


def test_pictures_of_a_group_are_chosen_and_named_at_once_and_wait_after_a_restart(
    taught: Served, visit: Callable[..., Technician]
) -> None:
    group = taught.get("/inbox")["groups"][0]
    who = visit(taught, PHONE, refusals=(0, *_GIVEN_WAY)).go(f"group?id={group['id']}")
    who.sees(re.compile(r"pictures seen, \d+ kept"))
    who.press("Select")
    for number in (1, 2, 3):
        who.press(f"Choose: Picture {number}")
    who.sees("3 pictures are chosen.")
    who.press("Name them")
    who.write("Something else", "Oat milk")
    who.press("Name them so")
    who.sees("3 pictures of Oat milk wait to be taught.")
    queued = {one["label"]: len(one["pictures"]) for one in taught.get("/queue")["classes"]}
    unknown = taught.get("/inbox")["pictures"]
    assert queued["Oat milk"] == 3
    taught.stop()
    taught.start()
    who.go("teach").sees("These pictures survive a restart of the box.")
    assert {one["label"]: len(one["pictures"]) for one in taught.get("/queue")["classes"]} == queued
    assert taught.get("/inbox")["pictures"] >= unknown - 3


def test_questions_are_answered_by_one_press_and_say_why(
    taught: Served, visit: Callable[..., Technician]
) -> None:
    who = visit(taught, refusals=_GIVEN_WAY).go("inbox")
    who.heading("What is this?")
    who.sees(re.compile("^The box (hesitates between|was taught nothing like it)"))
    before = taught.get("/queue")["pictures"]
    who.page.locator(".question").get_by_role("button", name="Orange").click()
    who.sees(re.compile("^2 of "))
    who.press("Skip")
    assert taught.get("/queue")["pictures"] == before + 1


def test_a_class_has_a_strictness_and_a_severity_of_its_own(
    taught: Served, visit: Callable[..., Technician]
) -> None:
    who = visit(taught, PHONE).go("class?label=Orange")
    who.page.get_by_label("What does Orange mean where events are sent?").select_option("An alarm")
    who.sees("From the next change on.")
    assert taught.get("/severity")["classes"] == {"Orange": "alarm"}
    who.page.get_by_label("When is Orange called unknown?").select_option("Often (strict)")
    who.sees("From the next picture on.")
    assert taught.get("/strictness")["classes"] == {"Orange": 0.75}


def test_when_the_box_is_gone_the_old_answer_says_so(
    serve: Callable[..., Served], stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve("--camera", stage.folder)
    box.teach({name: photographs(shared_data, name)[:20] for name in ("Pineapple", "Orange")})
    stage.show(photographs(shared_data, "Pineapple")[20:26])
    who = visit(box, refusals=(0, *_GIVEN_WAY)).go("live")
    who.answer_is("Pineapple")
    box.stop()
    who.sees("The last answer, from before the connection was lost")
    assert not who.page.locator(".answer .share").is_visible()
