"""What tests of several rooms share: the real pictures, and drawn ones that need nothing."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from edge_tosca.runtime.no_telemetry import block_openvino_telemetry

# Tests ask for openvino by importing it as it is, which would report to its maker, and so would onnxruntime.
# That the program itself never does is watched in processes of its own (test_nothing_leaves.py).
block_openvino_telemetry()
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

_SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

# Shape, its colour and the background's: every class differs from every other in at least two of the three.
_LOOKS = {
    "apple": ("disc", (200, 40, 40), (230, 225, 215)),
    "brick": ("checks", (170, 70, 50), (110, 100, 95)),
    "cone": ("triangle", (240, 130, 20), (70, 80, 90)),
    "door": ("box", (110, 70, 40), (200, 205, 190)),
    "flag": ("stripes", (40, 70, 190), (240, 240, 240)),
    "gauge": ("rings", (30, 30, 35), (245, 235, 200)),
    "leaf": ("triangle", (50, 150, 50), (190, 220, 250)),
    "pool": ("disc", (40, 150, 210), (60, 110, 60)),
    "tile": ("checks", (225, 225, 230), (40, 110, 120)),
    "zebra": ("stripes", (25, 25, 25), (215, 190, 120)),
}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real pictures; without it a test is skipped, in CI it fails."""
    if _SHARED_DATA.is_dir():
        return _SHARED_DATA
    reason = "the real pictures (../shared/data) are not on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI must have them")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def in_own_mounts() -> Callable[[str, Path], tuple[str, ...]]:
    """Words before a command that runs where a folder, $0, is mounted in another way, and nowhere else."""
    own = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--mount")
    try:
        works = subprocess.run([*own, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    except FileNotFoundError:
        pytest.skip("unshare is not on this machine")
    if works.returncode:
        pytest.skip(f"this machine allows no mounts of one's own: {works.stderr.decode().strip()}")
    return lambda script, folder: (*own, "sh", "-ec", f'{script}; exec "$@"', str(folder))


@pytest.fixture(scope="session")
def read_only(in_own_mounts: Callable[[str, Path], tuple[str, ...]]) -> Callable[[Path], tuple[str, ...]]:
    """Words before a command that finds a folder mounted read-only: edge(..., before=read_only(folder))."""
    script = 'mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"'
    return lambda folder: in_own_mounts(script, folder)


@pytest.fixture(scope="session")
def draw_pictures() -> Callable[..., Path]:
    """Draw FOLDER/CLASS/NUMBER.jpg: one seeded scene a picture, of classes that can be told apart."""

    def draw(folder: Path, labels: Iterable[str], count: int = 8, start: int = 0, side: int = 200) -> Path:
        for label in labels:
            (folder / label).mkdir(parents=True, exist_ok=True)
            for number in range(start, start + count):
                _scene(label, number, side).save(folder / label / f"{number:03d}.jpg", quality=90)
        return folder

    return draw


@pytest.fixture(scope="session")
def in_own_loop() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine in a thread: a browser that other tests opened keeps a loop running in this one."""

    def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, coroutine).result()

    return run


def _scene(label: str, number: int, side: int) -> Image.Image:
    shape, colour, background = _LOOKS[label]
    rng = np.random.default_rng((sorted(_LOOKS).index(label), number))
    image = Image.new("RGB", (side, side), tuple(_shifted(background, rng)))
    pen = ImageDraw.Draw(image)
    size = side * rng.uniform(0.25, 0.42)
    x, y = rng.uniform(size, side - size, 2)
    ink = tuple(_shifted(colour, rng))
    around = (x - size, y - size, x + size, y + size)
    if shape == "disc":
        pen.ellipse(around, fill=ink)
    elif shape == "box":
        pen.rectangle(around, fill=ink)
    elif shape == "triangle":
        pen.polygon([(x, y - size), (x - size, y + size), (x + size, y + size)], fill=ink)
    elif shape == "rings":
        for part in (1.0, 0.7, 0.4):
            pen.ellipse((x - part * size, y - part * size, x + part * size, y + part * size), None, ink, 7)
    else:
        step = side / rng.uniform(7, 11)
        for row in range(12):
            pen.rectangle((0, 2 * row * step, side, (2 * row + 1) * step), fill=ink)
        if shape == "checks":
            paper = image.getpixel((0, int(1.5 * step)))
            for column in range(12):
                pen.rectangle((2 * column * step, 0, (2 * column + 1) * step, side), fill=paper)
    image = image.rotate(rng.uniform(-12, 12), fillcolor=tuple(_shifted(background, rng)))
    noise = rng.normal(0, 9, (side, side, 3))
    pixels = np.clip(np.asarray(image.filter(ImageFilter.GaussianBlur(1))) + noise, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def _shifted(colour: tuple[int, ...], rng: np.random.Generator) -> list[int]:
    return [int(value) for value in np.clip(np.array(colour) + rng.normal(0, 14, 3), 0, 255)]
