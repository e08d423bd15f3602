"""Several regions and cameras over one backbone: turns, delays and memory of a server that runs."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from edge_tosca.learner.learner import Learner
from edge_tosca.live.regions import put_region
from edge_tosca.runtime.region import Region

LARGE, SMALL = (1280, 720), (640, 480)
_FPS = 15
_FRAMES = 45
_CORNERS = {"a": (0.0, 0.0), "b": (0.5, 0.0), "c": (0.0, 0.5), "d": (0.5, 0.5)}
_COLOURS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 200)}


@dataclass(frozen=True)
class PlaceFigures:
    """What a region got.

    Attributes:
        camera: its camera.
        region: its name.
        answers: a second.
        skipped: frames a second that it did not see.
        p50: median milliseconds from a frame to its answer, over the last 600.
        p99: 99th percentile likewise.
    """

    camera: str
    region: str
    answers: float
    skipped: float
    p50: float
    p99: float


@dataclass(frozen=True)
class RegionTurns:
    """A run of the server.

    Attributes:
        seconds: that were counted.
        places: of each region.
        memory: resident megabytes when counting began and when it ended.
        processor: share of one core that the server used.
    """

    seconds: float
    places: list[PlaceFigures]
    memory: tuple[float, float]
    processor: float

    def text(self) -> str:
        """Return the table for the documentation."""
        rates = [one.answers for one in self.places]
        lines = [
            "| camera | region | answers a second | skipped a second | p50, ms | p99, ms |",
            "|---" * 6 + "|",
        ]
        lines += [
            f"| {one.camera} | {one.region} | {one.answers:.2f} | {one.skipped:.2f} "
            f"| {one.p50:.0f} | {one.p99:.0f} |"
            for one in self.places
        ]
        before, after = self.memory
        return "\n".join(
            [
                *lines,
                "",
                f"{self.seconds:.0f} s: {sum(rates):.1f} answers a second in all; the slowest region has "
                f"{min(rates) / max(rates):.2f} of the fastest one's rate; resident memory {before:.1f} MB, "
                f"then {after:.1f} MB ({after - before:+.1f}); {self.processor:.0%} of one core",
            ]
        )


def measure(seconds: float, warm: float, threads: int) -> RegionTurns:
    """Serve four regions of one camera and two further cameras, and count their answers.

    Args:
        seconds: to count.
        warm: seconds before, in which the bounded memories of pictures fill.
        threads: of the backbone.

    Returns:
        The figures.
    """
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        store = folder / "turns.tosca"
        with closing(Learner.create(store, threads=1)) as learner:
            learner.learn({name: _pictures(colour) for name, colour in _COLOURS.items()}, force=True)
            for name, (x, y) in _CORNERS.items():
                put_region(learner.store, "hall", name, Region(x, y, 0.5, 0.5))
        cameras = {"hall": LARGE, "gate": SMALL, "yard": SMALL}
        options = [
            word
            for name, size in cameras.items()
            for word in ("--camera", f"{name}={_video(folder / f'{name}.mjpeg', size)}?fps={_FPS}&loop=1")
        ]
        command = [sys.executable, "-m", "edge_tosca", "serve", str(store), "--listen", "127.0.0.1:0"]
        command += ["--threads", str(threads), *options]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            try:
                assert server.stdout is not None
                return _watch(server.stdout.readline().split()[0], server.pid, seconds, warm)
            finally:
                server.terminate()


def _watch(url: str, process: int, seconds: float, warm: float) -> RegionTurns:
    time.sleep(warm)
    cameras = _get(url, "cameras")["cameras"]
    places = [(camera["name"], region) for camera in cameras for region in camera["regions"]]

    def counts() -> list[dict[str, Any]]:
        return [_get(url, f"camera?camera={camera}&region={region}")["live"] for camera, region in places]

    before, memory, used, began = counts(), _resident(process), _processor(process), time.monotonic()
    time.sleep(seconds)
    after, took = counts(), time.monotonic() - began
    figures = [
        PlaceFigures(
            *place,
            (then["answered"] - now["answered"]) / took,
            (then["skipped"] - now["skipped"]) / took,
            1e3 * then["latency_p50"],
            1e3 * then["latency_p99"],
        )
        for place, now, then in zip(places, before, after, strict=True)
    ]
    return RegionTurns(took, figures, (memory, _resident(process)), (_processor(process) - used) / took)


def _get(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}api/v1/{path}", timeout=30) as answer:
        return json.load(answer)


def _resident(process: int) -> float:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def _processor(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _pictures(colour: tuple[int, int, int]) -> list[Any]:
    return [_scene((320, 240), colour, seed) for seed in range(12)]


def _scene(size: tuple[int, int], colour: tuple[int, int, int], seed: int) -> Any:
    """Draw a disc on noise, which moves from picture to picture: uint8 [h, w, 3]."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(90, 120, (size[1], size[0], 3), np.uint8))
    x, y, r = size[0] * rng.uniform(0.4, 0.6), size[1] * rng.uniform(0.4, 0.6), size[1] * 0.3
    ImageDraw.Draw(image).ellipse((x - r, y - r, x + r, y + r), colour)
    return np.asarray(image)


def _video(path: Path, size: tuple[int, int]) -> Path:
    with path.open("wb") as out:
        for seed in range(_FRAMES):
            colour = list(_COLOURS.values())[seed // 15 % 3]
            held = BytesIO()
            Image.fromarray(_scene(size, colour, seed)).save(held, "JPEG", quality=85)
            out.write(held.getvalue())
    return path
