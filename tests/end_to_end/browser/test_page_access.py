"""The page for everyone: axe finds nothing on any view, light or dark, and a thumb hits every button."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import Stage, photographs
from technician import DESKTOP, PHONE, SMALL, Technician

pytestmark = pytest.mark.long

_LOOKS = {"phone, light": (PHONE, "light"), "desktop, dark": (DESKTOP, "dark")}


@pytest.fixture(scope="module")
def busy(box: Served, stage: Stage, shared_data: Path) -> Iterator[tuple[Served, list[str]]]:
    """A box with something in every place, and the addresses of all its views."""

    def some(name: str) -> list[Path]:
        return photographs(shared_data, name)[:12]

    box.teach({"Pineapple": some("Pineapple"), "Orange": some("Orange")})
    box.queue({"Satsuma": some("Satsumas"), "Grapefruit": some("Red-Grapefruit")})
    lesson = box.post("/learn", {"labels": None, "task": None, "force": True})["job"]
    box.finish(lesson)
    box.queue({"Leek": some("Leek")})
    stage.show(photographs(shared_data, "Oatly-Oat-Milk"))
    group = box.wait_for_unknown()
    # Pictures of the inbox give way to newer ones: nothing new comes while the views are looked at.
    stage.show([])
    views = ["live", "teach", "capture?label=Leek", "review?label=Leek", f"lesson?id={lesson}", "inbox"]
    views += [f"group?id={group}", "classes", "class?label=Orange", "more", "history", "storage", "packs"]
    yield box, [*views, "settings", "regions", "cameras", "invite"]


@pytest.mark.parametrize("look", _LOOKS)
def test_axe_finds_nothing_on_any_view(
    busy: tuple[Served, list[str]], visit: Callable[..., Technician], look: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    box, views = busy
    device, scheme = _LOOKS[look]
    who = visit(box, device, color_scheme=scheme)
    found = {}
    for view in views:
        who.go(view)
        found[view] = _violations(Axe().run(who.page))
    who.go("class?label=Orange").press("Forget")
    found["a dialog"] = _violations(Axe().run(who.page))
    assert {view: some for view, some in found.items() if some} == {}


def test_the_doctor_has_no_violation_either(
    busy: tuple[Served, list[str]], visit: Callable[..., Technician]
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    who = visit(busy[0]).go("doctor")
    assert _violations(Axe().run(who.page)) == []


def test_every_button_and_link_is_large_enough_for_a_thumb(
    busy: tuple[Served, list[str]], visit: Callable[..., Technician]
) -> None:
    box, views = busy
    who = visit(box, PHONE)
    small = {}
    for view in views:
        who.go(view)
        small[view] = who.page.evaluate(
            """() => [...document.querySelectorAll('button, a, select, input:not([type=file]), label.switch')]
              .filter(one => one.offsetParent && !one.closest('label.switch input'))
              .filter(one => !(one.matches('label.switch input')))
              .map(one => [one.textContent || one.ariaLabel, one.getBoundingClientRect()])
              .filter(([, box]) => box.width < 48 || box.height < 48)
              .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
        )
    assert {view: some for view, some in small.items() if some} == {}


@pytest.mark.parametrize("view", ["live", "capture?label=Leek"])
def test_nothing_is_scrolled_on_a_seven_inch_screen(
    busy: tuple[Served, list[str]], visit: Callable[..., Technician], view: str
) -> None:
    for locale in ("en-GB", "de-DE"):
        who = visit(busy[0], SMALL, locale=locale).go(view)
        assert who.page.evaluate(
            "[document.documentElement.scrollHeight, document.documentElement.scrollWidth]"
        ) == [480, 800]


def test_no_view_is_wider_than_a_phone(
    busy: tuple[Served, list[str]], visit: Callable[..., Technician]
) -> None:
    box, views = busy
    who = visit(box, PHONE, locale="de-DE")
    width = "document.documentElement.scrollWidth"
    wide = [view for view in views if who.go(view).page.evaluate(width) > 390]
    assert wide == []


def test_nothing_moves_when_the_answer_changes(
    busy: tuple[Served, list[str]], stage: Stage, visit: Callable[..., Technician], shared_data: Path
) -> None:
    who = visit(busy[0], PHONE).go("live")
    places = []
    for thing, answer in (("Pineapple", "Pineapple"), ("Oatly-Oat-Milk", "Unknown")):
        stage.show(photographs(shared_data, thing))
        who.answer_is(answer)
        places.append(
            who.page.evaluate(
                """() => ['.scene', '.what', '.share', '.guesses', '.asked > button'].map(
                  one => JSON.stringify(document.querySelector(one).getBoundingClientRect()))"""
            )
        )
    assert places[0] == places[1]


@pytest.mark.parametrize("look", _LOOKS)
def test_axe_finds_nothing_where_it_looked(
    busy: tuple[Served, list[str]],
    visit: Callable[..., Technician],
    stage: Stage,
    shared_data: Path,
    look: str,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    device, scheme = _LOOKS[look]
    stage.show(photographs(shared_data, "Pineapple")[:12])
    who = visit(busy[0], device, color_scheme=scheme).go("live")
    who.answer_is("Pineapple")
    who.press("Where it looked")
    who.heading("What spoke for Pineapple")
    found = _violations(Axe().run(who.page))
    stage.show([])
    assert found == []


def _violations(results: Any) -> list[str]:
    return [
        f"{one['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for one in results.response["violations"]
        for node in one["nodes"]
    ]
