"""Draws the pictures of regions and tiles that the documentation shows, from real photographs on a real one.

python -m tests.end_to_end.browser.region_screenshots docs
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps
from tests.end_to_end.browser import screenshots
from tests.end_to_end.browser.screenshots import Served, Technician, photographs

_SCREEN = {"viewport": {"width": 900, "height": 844}, "device_scale_factor": 1.5}
_TAUGHT = {
    "Pineapple": "Pineapple",
    "Orange": "Orange",
    "Avocado": "Avocado",
    "Red pepper": "Red-Bell-Pepper",
}
_TRAYS = {"left tray": 0.03, "middle tray": 0.355, "right tray": 0.68}
_TOP, _WIDTH, _HEIGHT = 0.22, 0.29, 0.6
_SIZE = (1280, 720)
_FRAMES = 30


def main() -> None:
    """Teach a box, set up its regions, and take pictures of its page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="gets console-regions.png and console-tiles.png")
    parser.add_argument(
        "--data", type=Path, default=screenshots.SHARED_DATA, help="folder with the grocery set"
    )
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as held,
        _box(Path(held), asked.data) as box,
        screenshots.open_browser() as browser,
    ):
        visits = {
            name: Technician(browser.new_context(locale="en-GB", reduced_motion="reduce", **device), box.url)
            for name, device in (("phone", screenshots.PHONE), ("screen", _SCREEN))
        }
        drawn = screenshots.Drawn(
            {"regions": ("regions screen", "regions phone"), "tiles": ("tiles screen", "tiles phone")}
        )
        for name, who in visits.items():
            who.go("regions?camera=bench")
            who.button("Region middle tray").focus()
            drawn.take(who, f"regions {name}")
        for name, who in visits.items():
            who.go("live")
            who.page.locator(".region-tile .name", has_text="Pineapple").wait_for()
            who.page.locator(".region-tile .name.unknown").wait_for()
            drawn.take(who, f"tiles {name}")
        drawn.save(asked.folder)


@contextmanager
def _box(folder: Path, data: Path) -> Iterator[Served]:
    store = folder / "shop.tosca"
    subprocess.run([sys.executable, "-m", "edge_tosca", "init", str(store)], check=True)
    bench = _video(folder / "bench.mjpeg", data, ("Pineapple", "Orange", "Oatly-Oat-Milk"))
    gate = _video(folder / "gate.mjpeg", data, ("Avocado",))
    cameras = [f"bench={bench}?fps=10&loop=1", f"gate={gate}?fps=10&loop=1"]
    box = Served(store, os.environ, *(word for camera in cameras for word in ("--camera", camera)))
    try:
        box.teach({label: photographs(data, name)[:20] for label, name in _TAUGHT.items()})
        for name, left in _TRAYS.items():
            region = {
                "camera": "bench",
                "name": name,
                "x": left,
                "y": _TOP,
                "width": _WIDTH,
                "height": _HEIGHT,
            }
            box.change("PUT", "/regions", region)
        yield box
    finally:
        box.stop()


def _video(path: Path, data: Path, names: tuple[str, ...]) -> Path:
    """Write frames of a photograph of something else with photographs of objects on it."""
    (place, *_) = sorted((data / "background" / "windsor_chair").glob("*.jpg"))
    with Image.open(place) as image:
        ground = ImageOps.fit(image.convert("RGB"), _SIZE)
    lefts = list(_TRAYS.values()) if len(names) > 1 else [0.25]
    shown = [photographs(data, name)[20:26] or photographs(data, name)[:6] for name in names]
    with path.open("wb") as out:
        for number in range(_FRAMES):
            frame = ground.copy()
            for left, views in zip(lefts, shown, strict=True):
                # Each view stays for a while, as in front of a real camera.
                with Image.open(views[number // 10 % len(views)]) as image:
                    width = _WIDTH if len(names) > 1 else 0.5
                    part = ImageOps.fit(
                        image.convert("RGB"), (round(width * _SIZE[0]), round(_HEIGHT * _SIZE[1]))
                    )
                frame.paste(part, (round(left * _SIZE[0]), round(_TOP * _SIZE[1])))
            held = io.BytesIO()
            frame.save(held, "JPEG", quality=88)
            out.write(held.getvalue())
    return path


if __name__ == "__main__":
    main()
