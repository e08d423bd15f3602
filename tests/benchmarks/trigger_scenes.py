"""What the motion trigger looks at, in scenes that are made of photographs."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.bench.table import as_table
from edge_tosca.live import motion
from edge_tosca.live.motion import Motion
from edge_tosca.live.triggers import OnMotion

FPS = 15
SECONDS = 40
APPEARS = 20
"""Second at which an object is laid down, in the scenes that have one."""

_HEIGHT, _WIDTH = 240, 320

Frame = NDArray[np.uint8]


@dataclass(frozen=True)
class SceneLooks:
    """What a motion trigger did in a scene.

    Attributes:
        scene: what happens in it.
        idle: share of the frames looked at from second 5 to the change, or to the end.
        missed: share of the runs in which the change was not seen within a second; None without a change.
    """

    scene: str
    idle: float
    missed: float | None


def photograph(path: Path) -> NDArray[np.float32]:
    """Read the photograph that a scene is made of, float32 [240, 320, 3]."""
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB").resize((_WIDTH, _HEIGHT)), np.float32)


def scenes(
    still: NDArray[np.float32], item: NDArray[np.float32], rng: np.random.Generator
) -> dict[str, Callable[[], Iterator[Frame]]]:
    """Make scenes of one photograph, with a piece of another as the object that is laid down.

    Args:
        still: float32 [h, w, 3], the scene.
        item: float32 [h, w, 3], what is laid down comes from its middle.
        rng: source of the noise.

    Returns:
        What happens to its frames.
    """

    def play(
        deviation: float, light: Callable[[float], float], area: float = 0.0, contrast: float = 1.0
    ) -> Iterator[Frame]:
        side_y, side_x = (round(length * area**0.5) for length in (_HEIGHT, _WIDTH))
        y, x = (int(rng.integers(0, full - side)) for full, side in ((_HEIGHT, side_y), (_WIDTH, side_x)))
        for place in range(SECONDS * FPS):
            second = place / FPS
            scene = still.copy()
            if area and second >= APPEARS:
                patch = scene[y : y + side_y, x : x + side_x]
                patch += contrast * (item[: patch.shape[0], : patch.shape[1]] - patch)
            lit = scene * np.float32(light(second))
            lit += np.float32(deviation) * rng.standard_normal(scene.shape, np.float32)
            yield np.clip(lit, 0, 255).astype(np.uint8)

    def constant(_: float) -> float:
        return 1.0

    return {
        "still, noise 2": lambda: play(2, constant),
        "still, noise 8": lambda: play(8, constant),
        "still, noise 20": lambda: play(20, constant),
        "light drifts by 30 % in 35 s": lambda: play(4, lambda t: 1 - 0.3 * t / SECONDS),
        "light steps by 15 % every 10 s": lambda: play(4, lambda t: 1 - 0.15 * (t % 20 >= 10)),
        "lamp flickers by 10 %": lambda: play(4, lambda t: 1 + 0.1 * np.sin(31 * t)),
        "object of 2 % of the area, noise 4": lambda: play(4, constant, 0.02),
        "object of 5 %, noise 8": lambda: play(8, constant, 0.05),
        "object of 5 %, noise 20": lambda: play(20, constant, 0.05),
        "faint object of 10 %, noise 4": lambda: play(4, constant, 0.10, 0.25),
        "object of 5 %, light drifts": lambda: play(4, lambda t: 1 - 0.3 * t / SECONDS, 0.05),
    }


def measure_scenes(
    pictures: Sequence[Path], runs: int, factor: float = motion.FACTOR, area: float = motion.AREA
) -> list[SceneLooks]:
    """Play every scene some times.

    Args:
        pictures: photographs, two a run.
        runs: number of times.
        factor: in place of FACTOR.
        area: share of the cells that must change.

    Returns:
        One row a scene.
    """
    before, motion.FACTOR = motion.FACTOR, factor
    try:
        rows: dict[str, list[tuple[float, bool | None]]] = {}
        for run in range(runs):
            still, item = (photograph(pictures[(2 * run + one) % len(pictures)]) for one in (0, 1))
            for scene, play in scenes(still, item, np.random.default_rng(run)).items():
                trigger = OnMotion(area)
                looks = np.array([trigger.due(frame, place / FPS) for place, frame in enumerate(play())])
                changes = "object" in scene
                quiet = looks[5 * FPS : APPEARS * FPS if changes else None]
                seen = bool(looks[APPEARS * FPS : (APPEARS + 1) * FPS].any()) if changes else None
                rows.setdefault(scene, []).append((float(quiet.mean()), seen))
        return [
            SceneLooks(
                scene,
                float(np.mean([idle for idle, _ in row])),
                None if row[0][1] is None else float(np.mean([not seen for _, seen in row])),
            )
            for scene, row in rows.items()
        ]
    finally:
        motion.FACTOR = before


def seconds_of_a_check(height: int = 720, width: int = 1280, times: int = 200) -> float:
    """Measure the processor time of one comparison, in seconds."""
    frames = np.random.default_rng(0).integers(0, 255, (4, height, width, 3), np.uint8)
    compared = Motion()
    began = time.process_time()
    for place in range(times):
        compared.add(frames[place % 4])
    return (time.process_time() - began) / times


def markdown(rows: Sequence[SceneLooks], check: float) -> str:
    """Write the scenes as a Markdown table, and the time of one check in seconds."""
    lines = [
        [row.scene, f"{100 * row.idle:.1f}", "" if row.missed is None else f"{100 * row.missed:.0f}"]
        for row in rows
    ]
    table = as_table(["scene", "looked at while nothing changes, %", "changes missed, %"], lines)
    return f"{table}\nOne check of a region of 1280 x 720: {1e3 * check:.2f} ms\n"
