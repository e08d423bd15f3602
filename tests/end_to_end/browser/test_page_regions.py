"""Where a camera looks, as a technician sets it up: regions drawn, taught through, watched and removed."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from served import Served
from stage import Stage, photographs
from technician import DESKTOP, PHONE, Technician

pytestmark = pytest.mark.long

_VIEWS = 24
_WAYS = {"phone, by finger": (PHONE, True), "desktop, by mouse": (DESKTOP, False)}


class Hand:
    """Drags on the page by mouse, or as a finger does."""

    def __init__(self, who: Technician, touch: bool) -> None:
        self._page = who.page
        self._cdp = who.page.context.new_cdp_session(who.page) if touch else None

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at a place of the picture, move to another, and let go; both as fractions of the picture."""
        # The details of a region lie below the picture: scroll back as a person would.
        self._page.locator("h1").first.scroll_into_view_if_needed()
        box = self._page.locator(".region-layer").bounding_box()
        steps = [tuple(a + (b - a) * step / 8 for a, b in zip(start, end, strict=True)) for step in range(9)]
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in steps]
        if self._cdp is None:
            self._page.mouse.move(*places[0])
            self._page.mouse.down()
            for place in places[1:]:
                self._page.mouse.move(*place)
            self._page.mouse.up()
            return
        for number, (x, y) in enumerate(places):
            kind = "touchMove" if number else "touchStart"
            points = [{"x": x, "y": y}]
            self._cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self._cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.fixture
def halves(tmp_path: Path, shared_data: Path) -> Callable[[str, str], list[Path]]:
    """Frames of one class on the left and another on the right."""

    def join(left: str, right: str) -> list[Path]:
        paths = []
        for number, pair in enumerate(
            zip(_spread(shared_data, left), _spread(shared_data, right), strict=True)
        ):
            frame = Image.new("RGB", (640, 480))
            for place, path in enumerate(pair):
                with Image.open(path) as image:
                    frame.paste(ImageOps.fit(image.convert("RGB"), (320, 480)), (320 * place, 0))
            paths.append(tmp_path / f"{left}-{right}-{number}.jpg")
            frame.save(paths[-1], quality=92)
        return paths

    return join


def _spread(shared_data: Path, label: str) -> list[Path]:
    """Photographs of a class that do not follow one another, which would be nearly the same view."""
    every = photographs(shared_data, label)
    return [every[len(every) * number // _VIEWS] for number in range(_VIEWS)]


def _regions(box: Served) -> dict[str, tuple[float, float, float, float]]:
    found = box.get("/regions")["regions"]
    return {one["name"]: (one["x"], one["y"], one["width"], one["height"]) for one in found}


def _triggers(box: Served) -> dict[str, str]:
    return {one["name"]: one["trigger"] for one in box.get("/regions")["regions"]}


def _until(who: Technician, holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        who.page.wait_for_timeout(50)
    raise AssertionError("waited in vain")


def _tile(who: Technician, region: str, label: str) -> Any:
    tile = who.page.locator(".region-tile", has_text=region)
    tile.locator(".name", has_text=re.compile(f"^{label}$")).wait_for()
    return tile


def _violations(results: Any) -> list[str]:
    return [f"{one['id']}: {one['help']}" for one in results.response["violations"]]


@pytest.mark.parametrize("way", _WAYS)
def test_regions_are_drawn_moved_named_taught_through_watched_and_removed(
    serve: Callable[..., Served],
    stage: Stage,
    visit: Callable[..., Technician],
    halves: Callable[[str, str], list[Path]],
    way: str,
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    device, touch = _WAYS[way]
    stage.show(halves("Pineapple", "Orange"))
    box = serve("--camera", stage.folder)
    who = visit(box, device).go("more")
    who.follow(re.compile("^Regions"))
    who.heading("Regions")
    who.sees(re.compile("^The whole picture is answered"))
    who.page.wait_for_function("() => document.querySelector('.scene > img').naturalWidth > 0")
    hand = Hand(who, touch)

    hand.drag((0.02, 0.02), (0.45, 0.9))
    _until(who, lambda: "Region 1" in _regions(box))
    drawn = _regions(box)["Region 1"]
    assert drawn == pytest.approx((0.02, 0.02, 0.43, 0.88), abs=0.02)
    # Moved by its middle, resized by a corner.
    hand.drag((0.2, 0.5), (0.22, 0.53))
    _until(who, lambda: _regions(box)["Region 1"] != drawn)
    moved = _regions(box)["Region 1"]
    assert moved == pytest.approx((0.04, 0.05, 0.43, 0.88), abs=0.02)
    hand.drag((moved[0] + moved[2], moved[1] + moved[3]), (0.5, 1.0))
    _until(who, lambda: _regions(box)["Region 1"] != moved)
    assert _regions(box)["Region 1"] == pytest.approx((0.04, 0.05, 0.46, 0.95), abs=0.02)
    who.write("Name of the region", "left")
    who.press("Rename")
    _until(who, lambda: "left" in _regions(box))

    # Drawn beside it, and set by the keyboard: arrows move, Shift and arrows resize.
    hand.drag((0.6, 0.05), (0.95, 0.95))
    _until(who, lambda: "Region 1" in _regions(box))
    who.write("Name of the region", "right")
    who.press("Rename")
    _until(who, lambda: "right" in _regions(box))
    for words, trigger in (("When something moves", "motion"), ("Always", "always")):
        who.page.get_by_label("When it is looked at").select_option(words)
        _until(who, lambda word=trigger: _triggers(box)["right"] == word)
    assert _triggers(box)["left"] == ""
    before = _regions(box)["right"]
    who.button("Region right").focus()
    for keys in ("ArrowLeft", "ArrowLeft", "Shift+ArrowRight"):
        who.page.keyboard.press(keys)
    _until(who, lambda: _regions(box)["right"] != before)
    expected = (before[0] - 0.02, before[1], before[2] + 0.01, before[3])
    assert _regions(box)["right"] == pytest.approx(expected, abs=0.005)
    who.page.wait_for_timeout(600)
    handles = who.page.locator(".region.chosen .handle").all()
    assert len(handles) == 4
    assert min(min(one.bounding_box()["width"], one.bounding_box()["height"]) for one in handles) >= 44
    assert _violations(Axe().run(who.page)) == []
    scroll = "[document.documentElement.scrollWidth, innerWidth]"
    wide, inner = who.page.evaluate(scroll)
    assert wide <= inner

    for region, label in (("left", "Pineapple"), ("right", "Orange")):
        who.go("teach")
        who.write("What is it called?", label)
        who.press("Show it to the camera")
        chosen = who.page.get_by_label("Take pictures of this region")
        if chosen.evaluate("one => one.selectedOptions[0].textContent") != region:
            chosen.select_option(label=region)
        # The picture takes the shape of the region, which moves the shutter.
        who.page.wait_for_timeout(1500)
        shutter = who.button(re.compile("^Hold to take pictures"))
        at = shutter.bounding_box()
        who.page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
        who.page.mouse.down()
        who.counted(10)
        who.page.mouse.up()
    who.go("teach").press("Teach 2 classes")
    who.heading(re.compile("^Learned"))
    assert sorted(box.labels()) == ["Orange", "Pineapple"]

    who.go("live")
    _tile(who, "left", "Pineapple")
    _tile(who, "right", "Orange")
    assert _violations(Axe().run(who.page)) == []
    stage.show(halves("Orange", "Orange"))
    _tile(who, "left", "Orange")
    _tile(who, "right", "Orange")
    stage.show(halves("Orange", "Pineapple"))
    _tile(who, "right", "Pineapple").click()
    who.heading("right")
    who.answer_is("Pineapple")
    # The picture is that of the region.
    who.page.wait_for_function("() => document.querySelector('.scene > img').naturalWidth > 0")
    image = who.page.locator(".scene > img")
    width, height = image.evaluate("one => [one.naturalWidth, one.naturalHeight]")
    assert width < 300 and height > 400

    who.go("regions")
    who.button("Region right").focus()
    who.press("Remove the region")
    who.page.get_by_role("dialog").get_by_role("button", name="Remove the region").click()
    _until(who, lambda: list(_regions(box)) == ["left"])
    who.go("live").answer_is("Orange")


def test_cameras_are_added_and_removed_on_the_page(
    serve: Callable[..., Served], stage: Stage, visit: Callable[..., Technician]
) -> None:
    box = serve("--camera", f"bench={stage.folder}")
    who = visit(box, PHONE).go("cameras")
    who.write("Name, without blanks", "yard")
    who.write("Number or address", "rtsp://admin:hunter2@127.0.0.1:9/live")
    who.press("Add a camera")
    who.sees("yard is added.")
    who.sees("rtsp://127.0.0.1:9/...")
    assert [one["name"] for one in box.get("/cameras")["cameras"]] == ["bench", "yard"]
    assert "hunter2" not in who.page.content()
    who.press("Remove yard")
    who.page.get_by_role("dialog").get_by_role("button", name="Remove the camera").click()
    _until(who, lambda: [one["name"] for one in box.get("/cameras")["cameras"]] == ["bench"])
