"""Draws the pictures of the page that the documentation shows, from a real box with real photographs.

python -m tests.end_to_end.browser.screenshots docs
"""

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from served import Served  # noqa: E402 - found beside this file, as pytest finds it
from stage import Stage, photographs  # noqa: E402
from technician import Technician  # noqa: E402

_SHARED_DATA = HERE.parents[3] / "shared" / "data"

_PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
_BOX = {"viewport": {"width": 800, "height": 480}, "device_scale_factor": 1.5, "color_scheme": "dark"}
_COLOURS = 128

_TAUGHT = {
    "Pineapple": "Pineapple",
    "Orange": "Orange",
    "Avocado": "Avocado",
    "Red pepper": "Red-Bell-Pepper",
}
_SIBLINGS = {"Satsuma": "Satsumas", "Grapefruit": "Red-Grapefruit"}


def main() -> None:
    """Teach a box, and take pictures of its page on the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="gets console-*.png")
    parser.add_argument("--data", type=Path, default=_SHARED_DATA, help="folder with the grocery set")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as held, _box(Path(held)) as (box, stage), _browser() as browser:
        phone, small = _visit(browser, box, _PHONE), _visit(browser, box, _BOX)
        _draw(asked.folder, asked.data, box, stage, phone, small)


def _draw(folder: Path, data: Path, box: Served, stage: Stage, phone: Technician, small: Technician) -> None:
    def views(name: str, count: int, start: int = 0) -> list[Path]:
        return photographs(data, name)[start : start + count]

    box.change("PUT", "/settings", {"keep_pictures": True})
    box.teach({label: views(name, 20) for label, name in list(_TAUGHT.items())[:2]})
    box.teach({label: views(name, 20) for label, name in list(_TAUGHT.items())[2:]})

    stage.show(views("Pineapple", 6, 20))
    for who, name in ((phone, "phone"), (small, "box")):
        who.go("live").answer_is("Pineapple")
        _take(who, folder / f"console-live-{name}.png")

    stage.show(photographs(data, "Oatly-Oat-Milk"))
    small.answer_is("Unknown")
    _take(small, folder / "console-unknown-box.png")
    phone.go("inbox").page.wait_for_timeout(5000)
    _take(phone.go("more").go("inbox"), folder / "console-inbox-phone.png")

    stage.show(views("Satsumas", 60))
    small.capture("Satsuma", 12)
    _take(small, folder / "console-capture-box.png")
    phone.go("capture?label=Satsuma").counted(12)
    _take(phone, folder / "console-capture-phone.png")
    _take(phone.go("review?label=Satsuma"), folder / "console-review-phone.png")
    box.queue({"Satsuma": views("Satsumas", 8, 40), "Grapefruit": views("Red-Grapefruit", 20)})
    _take(small.go("teach"), folder / "console-teach-box.png")
    _take(phone.go("teach"), folder / "console-teach-phone.png")
    phone.press("Teach 2 classes")
    phone.page.locator(".verdict").wait_for()
    _take(phone, folder / "console-report-phone.png", whole=True)
    _take(phone.go("classes"), folder / "console-classes-phone.png")
    _take(small.go("classes"), folder / "console-classes-box.png")


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
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def _visit(browser: Any, box: Served, device: dict[str, Any]) -> Technician:
    return Technician(browser.new_context(locale="en-GB", reduced_motion="reduce", **device), box.url)


def _take(who: Technician, path: Path, whole: bool = False) -> None:
    who.page.wait_for_timeout(800)
    picture = Image.open(io.BytesIO(who.page.screenshot(full_page=whole)))
    picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
