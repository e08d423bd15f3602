"""What a technician does on a day: teach two things, see them recognised, mend what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import Stage, photographs, write_video
from technician import DESKTOP, PHONE, Technician

THINGS = ("Pineapple", "Orange")


@pytest.fixture
def videos(tmp_path: Path, shared_data: Path) -> dict[str, Path]:
    return {
        thing: write_video(tmp_path / f"{thing}.mjpeg", photographs(shared_data, thing)) for thing in THINGS
    }


@pytest.mark.long
def test_two_things_are_taught_watched_and_mended_on_a_desktop_with_the_camera_of_the_box(
    serve: Callable[..., Served], stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve("--camera", stage.folder)
    who = visit(box, DESKTOP)

    def bring(thing: str) -> Technician:
        stage.show(photographs(shared_data, thing))
        return who

    _work(box, bring)


def test_two_things_are_taught_watched_and_mended_on_a_phone_with_its_own_camera(
    serve: Callable[..., Served], visit: Callable[..., Technician], videos: dict[str, Path]
) -> None:
    box = serve()
    at: dict[str, Technician] = {}

    def bring(thing: str) -> Technician:
        # A phone shows one thing: the other phone is laid aside, and asks for no answers meanwhile.
        for other in at.values():
            other.go("more")
        if thing not in at:
            at[thing] = visit(box, PHONE, video=videos[thing])
        return at[thing]

    _work(box, bring)


def _work(box: Served, bring: Callable[[str], Technician]) -> None:
    for thing in THINGS:
        bring(thing).capture(thing)
    who = bring("Orange").go("teach")
    who.press("Teach 2 classes")
    who.heading("Learned")
    assert sorted(box.labels()) == ["Orange", "Pineapple"]

    who.follow("Watch it live")
    who.answer_is("Orange")
    bring("Pineapple").go("live").answer_is("Pineapple")

    _look(bring("Orange").go("live"))
    _correct(box, bring("Orange").go("live"))
    _rename(bring("Pineapple"))
    who = bring("Pineapple").go("live")
    who.answer_is("Ananas")
    _undo(box, who)
    who.go("live").answer_is("Pineapple")
    _forget(box, who)


def _look(who: Technician) -> None:
    who.answer_is("Orange")
    who.press("Where it looked")
    who.heading("What spoke for Orange")
    canvas = who.page.locator("dialog canvas")
    assert canvas.evaluate("one => [one.width, one.height]") == [7, 7]
    inside = canvas.evaluate(
        "one => { const at = one.getBoundingClientRect(), of = one.parentElement.getBoundingClientRect();"
        " return [at.left - of.left, at.top - of.top, of.right - at.right, of.bottom - at.bottom] }"
    )
    assert min(inside) >= 0
    assert inside[0] == pytest.approx(inside[2], abs=2)
    who.press("Close")


def _correct(box: Served, who: Technician) -> None:
    who.answer_is("Orange")
    who.press("That was wrong")
    who.write("Something else", "Ball")
    who.press("Add picture")
    who.sees("Added to Ball. 1 picture waits to be taught.")
    (waiting,) = [one for one in box.get("/queue")["classes"] if one["label"] == "Ball"]
    assert len(waiting["pictures"]) == 1


def _rename(who: Technician) -> None:
    who.go("classes").follow("Pineapple", exact=False)
    who.press("Rename")
    who.write("New name", "Ananas")
    who.page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    who.sees("It is called Ananas now.")
    who.heading("Ananas")


def _undo(box: Served, who: Technician) -> None:
    who.go("classes").press("Undo")
    who.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    who.sees("Undone.")
    assert sorted(box.labels()) == ["Orange", "Pineapple"]


def _forget(box: Served, who: Technician) -> None:
    who.go("classes").follow("Orange", exact=False)
    who.press("Forget")
    who.sees("This cannot be undone.")
    who.press("Forget for good")
    who.sees("Orange is forgotten.")
    assert box.labels() == ["Pineapple"]
    assert who.page.get_by_role("link", name="Orange").count() == 0


@pytest.mark.long
def test_of_one_thing_alone_a_share_is_shown_that_is_not_100_percent(
    serve: Callable[..., Served], stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve("--camera", stage.folder)
    stage.show(photographs(shared_data, "Pineapple"))
    box.queue({"Pineapple": photographs(shared_data, "Pineapple")[:12]})
    who = visit(box).go("teach")
    who.press("Teach Pineapple")
    who.sees("Right answers can be counted once a second class is taught.")
    who.go("live").answer_is("Pineapple")
    share = who.page.locator(".answer .share")
    share.wait_for(state="visible")
    assert "100" not in share.inner_text()
    who.go("classes").follow("Pineapple", exact=False)
    assert who.page.locator("dd", has_text="%").count() == 0
    box.queue({"Orange": photographs(shared_data, "Orange")[:12]})
    who.go("teach").press("Teach Orange")
    who.sees("New classes, right answers")
    who.go("live").answer_is("Pineapple")
    share.wait_for(state="visible")


@pytest.mark.long
def test_a_lesson_is_taken_back_and_its_pictures_wait_again(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    box.teach({"Pineapple": photographs(shared_data, "Pineapple")[:12]})
    box.queue({"Orange": photographs(shared_data, "Orange")[:12]})
    who = visit(box).go("teach")
    who.press("Teach Orange")
    who.heading("Learned")
    who.press("Undo")
    who.sees("Undone. The pictures wait again.")
    who.sees("12 pictures")
    assert box.labels() == ["Pineapple"]


@pytest.mark.long
def test_two_classes_that_are_one_thing_are_joined(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    pictures = {name: photographs(shared_data, name)[:12] for name in ("Pineapple", "Orange", "Avocado")}
    box.teach(pictures)
    who = visit(box).go("class?label=Avocado")
    who.press("Join with another class")
    who.press("Orange")
    who.press("Join")
    who.sees("Both are Orange now.")
    assert sorted(box.labels()) == ["Orange", "Pineapple"]


@pytest.mark.long
def test_what_was_taught_wrongly_is_refused_with_its_pictures_and_advice(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    oranges = photographs(shared_data, "Orange")
    box.queue({"Orange": oranges[:24], "Fruit": oranges[24:48]})
    who = visit(box).go("teach")
    who.press("Teach 2 classes")
    who.heading("Not learned")
    who.sees("Something is wrong with the pictures of")
    _shown(who, ".versus img")
    assert box.labels() == []
    who.follow("Improve the pictures")
    who.sees("Waiting to be taught")


def _shown(who: Technician, selector: str) -> None:
    """Wait until the pictures are there and really are pictures."""
    who.page.locator(selector).first.wait_for()
    who.page.wait_for_function(
        "all => [...document.querySelectorAll(all)].every(one => one.complete && one.naturalWidth > 0)",
        arg=selector,
    )
    sizes: list[Any] = who.page.locator(selector).evaluate_all("all => all.map(one => one.naturalWidth)")
    assert sizes and min(sizes) > 0
