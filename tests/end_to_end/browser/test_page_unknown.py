"""The inbox of unknown things: what the camera saw and the box did not know gets a name and is taught."""

from collections.abc import Callable
from pathlib import Path

import pytest
from served import Served
from stage import Stage, photographs
from technician import PHONE, Technician

pytestmark = pytest.mark.long

# Pictures of the inbox give way to newer ones while somebody looks: the page leaves an empty place for them.
_GIVEN_WAY = (404,)

_KNOWN = ("Pineapple", "Orange", "Avocado")


def test_an_unknown_thing_is_found_in_the_inbox_named_and_taught(
    serve: Callable[..., Served], stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve("--camera", stage.folder)
    box.teach({name: photographs(shared_data, name)[:20] for name in _KNOWN})
    milk = photographs(shared_data, "Oatly-Oat-Milk")
    stage.show(milk)
    who = visit(box, PHONE, refusals=_GIVEN_WAY).go("live")
    who.answer_is("Unknown")

    box.wait_for_unknown(12)
    stage.show([])
    who.go("inbox")
    who.page.locator(".cards a").first.click()
    who.page.wait_for_function("() => document.querySelector('.tile img')?.naturalWidth > 0")
    who.write("What is it called?", "Oat milk")
    who.press("Use these pictures to teach it")
    who.heading("Oat milk")
    assert who.page.locator(".tile").count() >= 10

    who.press("Teach Oat milk")
    who.heading("Learned")
    assert "Oat milk" in box.labels()
    stage.show(milk)
    who.follow("Watch it live")
    who.answer_is("Oat milk")


def test_a_group_that_is_of_no_use_is_thrown_away(
    serve: Callable[..., Served], stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve("--camera", stage.folder)
    box.teach({name: photographs(shared_data, name)[:20] for name in _KNOWN})
    stage.show(photographs(shared_data, "Oatly-Oat-Milk"))
    who = visit(box, refusals=_GIVEN_WAY).go("live")
    who.answer_is("Unknown")
    box.wait_for_unknown()
    stage.show(photographs(shared_data, "Pineapple")[:20])
    who.answer_is("Pineapple")
    who.go("inbox").page.locator(".cards a").first.click()
    address = who.page.url
    who.press("Throw away")
    who.page.get_by_role("dialog").get_by_role("button", name="Throw away").click()
    who.sees("The group was thrown away.")
    assert address.rpartition("id=")[2] not in [one["id"] for one in box.get("/inbox")["groups"]]
