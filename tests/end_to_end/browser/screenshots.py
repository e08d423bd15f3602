"""Draws the pictures of the page that the documentation shows, from a real box with real photographs.

python -m tests.end_to_end.browser.screenshots docs
"""

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from served import Served  # noqa: E402 - found beside this file, as pytest finds it
from stage import Stage, photographs  # noqa: E402
from technician import Technician  # noqa: E402

SHARED_DATA = HERE.parents[3] / "shared" / "data"

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5, "has_touch": True}
_TALL = {**PHONE, "viewport": {"width": 390, "height": 1240}}
_BOX = {"viewport": {"width": 800, "height": 480}, "device_scale_factor": 1.25, "color_scheme": "dark"}
_BETWEEN = 24
_COLOURS = 200
_PAPER = (150, 158, 154)

_TAUGHT = (
    {"Pineapple": "Pineapple", "Orange": "Orange"},
    {"Avocado": "Avocado", "Red pepper": "Red-Bell-Pepper"},
)
_SHEETS = {
    "live": ("live box", "unknown box"),
    "teach": ("teach phone", "capture phone", "review phone"),
    "report": ("report tall",),
    "unknown": ("inbox phone", "group phone"),
    "classes": ("classes box",),
    "overview": ("live phone", "capture phone", "inbox phone"),
}


def main() -> None:
    """Teach a box, and take pictures of its page on the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="gets console-*.png")
    parser.add_argument("--data", type=Path, default=SHARED_DATA, help="folder with the grocery set")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as held, _box(Path(held)) as (box, stage), open_browser() as browser:
        visits = {
            name: Technician(browser.new_context(locale="en-GB", reduced_motion="reduce", **device), box.url)
            for name, device in (("phone", PHONE), ("tall", _TALL), ("box", _BOX))
        }
        drawn = Drawn(_SHEETS)
        _work(asked.data, box, stage, visits, drawn)
        drawn.save(asked.folder)


def _work(data: Path, box: Served, stage: Stage, visits: dict[str, Technician], drawn: "Drawn") -> None:
    phone, tall, small = visits["phone"], visits["tall"], visits["box"]

    def views(name: str, count: int, start: int = 0) -> list[Path]:
        return photographs(data, name)[start : start + count]

    box.change("PUT", "/settings", {"keep_pictures": True})
    for things in _TAUGHT:
        box.teach({label: views(name, 20) for label, name in things.items()})

    stage.show(views("Pineapple", 5, 20))
    for who, name in ((phone, "live phone"), (small, "live box")):
        who.go("live").answer_is("Pineapple")
        drawn.take(who, name)
    stage.show(photographs(data, "Oatly-Oat-Milk"))
    small.answer_is("Unknown")
    drawn.take(small, "unknown box")
    milk = box.wait_for_unknown(8)
    stage.show(sorted((data / "clothing" / "train" / "shoes").glob("*.jpg"))[:12])
    box.wait_for_unknown(2, groups=2)
    stage.show([])
    drawn.take(phone.go("inbox"), "inbox phone")
    drawn.take(phone.go(f"group?id={milk}"), "group phone")

    stage.show(photographs(data, "Satsumas"))
    small.capture("Satsuma", 12)
    drawn.take(small, "capture box")
    phone.go("capture?label=Satsuma").counted(12)
    drawn.take(phone, "capture phone")
    stage.show([])
    drawn.take(phone.go("review?label=Satsuma"), "review phone")
    box.queue({"Satsuma": views("Satsumas", 8, 40), "Grapefruit": views("Red-Grapefruit", 20)})
    drawn.take(phone.go("teach"), "teach phone")
    tall.go("teach").press("Teach 2 classes")
    tall.page.locator(".verdict").wait_for()
    drawn.take(tall, "report tall")
    drawn.take(phone.go("classes"), "classes phone")
    drawn.take(small.go("classes"), "classes box")


class Drawn:
    """The pictures of the page, and the sheets that they are put together on."""

    def __init__(self, sheets: Mapping[str, tuple[str, ...]]) -> None:
        self._sheets = sheets
        self._pictures: dict[str, Image.Image] = {}

    def take(self, who: Technician, name: str) -> None:
        # Until the page's pictures and bars have come to rest.
        who.page.wait_for_timeout(1200)
        self._pictures[name] = Image.open(io.BytesIO(who.page.screenshot())).convert("RGB")

    def save(self, folder: Path) -> None:
        for sheet, names in self._sheets.items():
            pictures = [self._pictures[name] for name in names]
            height = max(picture.height for picture in pictures)
            width = sum(picture.width for picture in pictures) + _BETWEEN * (len(pictures) - 1)
            paper = Image.new("RGB", (width, height), _PAPER)
            left = 0
            for picture in pictures:
                paper.paste(picture, (left, 0))
                left += picture.width + _BETWEEN
            colours = paper.quantize(_COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
            colours.save(folder / f"console-{sheet}.png", optimize=True)


@contextmanager
def _box(folder: Path) -> Iterator[tuple[Served, Stage]]:
    import os
    import subprocess

    store = folder / "shop.tosca"
    subprocess.run([sys.executable, "-m", "edge_tosca", "init", str(store)], check=True)
    stage = Stage(folder / "stage")
    box = Served(store, os.environ, "--camera", stage.folder)
    try:
        yield box, stage
    finally:
        box.stop()
        stage.close()


@contextmanager
def open_browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    main()
