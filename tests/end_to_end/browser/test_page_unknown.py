"""The inbox of unknown things: what the camera saw and the box did not know gets a name and is taught."""

from collections.abc import Callable
from pathlib import Path

from served import Served
from stage import Stage, photographs
from technician import PHONE, Technician


def test_an_unknown_thing_is_found_in_the_inbox_named_and_taught(
    box: Served, stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    box.teach({name: photographs(shared_data, name)[:20] for name in ("Pineapple", "Orange", "Avocado")})
    milk = photographs(shared_data, "Oatly-Oat-Milk")
    stage.show(milk)
    who = visit(box, PHONE).go("live")
    who.answer_is("Unknown")

    box.wait_for_unknown(12)
    # The oldest pictures of a group give way to new ones: nothing new comes while the group is looked at.
    stage.show([])
    who.go("inbox")
    who.page.locator(".cards a").first.click()
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
    box: Served, stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    if not box.labels():
        box.teach({name: photographs(shared_data, name)[:20] for name in ("Pineapple", "Orange", "Avocado")})
    shoes = sorted((shared_data / "clothing" / "train" / "shoes").glob("*.jpg"))[:10]
    stage.show(shoes)
    who = visit(box).go("live")
    who.answer_is("Unknown")
    box.wait_for_unknown()
    stage.show(photographs(shared_data, "Pineapple"))
    who.answer_is("Pineapple")
    before = len(box.get("/inbox")["groups"])
    who.go("inbox").page.locator(".cards a").first.click()
    who.press("Throw away")
    who.page.get_by_role("dialog").get_by_role("button", name="Throw away").click()
    who.sees("The group was thrown away.")
    assert len(box.get("/inbox")["groups"]) == before - 1
