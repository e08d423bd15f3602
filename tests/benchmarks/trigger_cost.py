"""What an idle box costs: the processor share of `watch` over a still, noisy scene, for each trigger."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from edge_tosca.bench.table import as_table

FPS = 15


def noisy_film(path: Path, photo: Path, frames: int = 60) -> None:
    """Write a still, noisy scene of 640 x 480 as a file of frames."""
    rng = np.random.default_rng(0)
    with Image.open(photo) as opened:
        still = np.asarray(opened.convert("RGB").resize((640, 480)), np.float32)
    with path.open("wb") as file:
        for _ in range(frames):
            noise = rng.normal(0, 4, still.shape)
            Image.fromarray(np.clip(still + noise, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)


@dataclass(frozen=True)
class Cost:
    """Processor share of `edge-tosca watch` over a still, noisy scene.

    Attributes:
        trigger: in the command line's words.
        cores: processor seconds a second, decoding of the frames included.
        resident: memory in MB at the end.
    """

    trigger: str
    cores: float
    resident: float


def measure_cost(store: Path, photo: Path, words: Sequence[str], seconds: float) -> list[Cost]:
    """Run `edge-tosca watch` with each trigger, 15 frames a second, and read its processor time.

    Args:
        store: with at least one class.
        photo: of the scene.
        words: triggers; "request" is never due here, which leaves the camera's cost.
        seconds: to measure for, after 10 seconds of start.

    Returns:
        One row a trigger.
    """
    rows = []
    with TemporaryDirectory() as folder:
        film = Path(folder) / "still.mjpeg"
        noisy_film(film, photo)
        for word in words:
            command = [sys.executable, "-m", "edge_tosca", "watch", str(store), "--trigger", word]
            command += ["--camera", f"{film}?fps={FPS}&loop=1", "--threads", "1"]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as watch:
                time.sleep(10)
                began, spent = time.monotonic(), _processor_seconds(watch.pid)
                time.sleep(seconds)
                spent = _processor_seconds(watch.pid) - spent
                rows.append(Cost(word, spent / (time.monotonic() - began), _resident(watch.pid)))
                watch.terminate()
    return rows


def markdown(rows: Sequence[Cost]) -> str:
    """Write the costs as a Markdown table."""
    first = rows[0].cores
    lines = [
        [row.trigger, f"{row.cores:.3f}", f"{row.cores / first:.2f}", f"{row.resident:.0f}"] for row in rows
    ]
    return as_table(["trigger", "cores busy", "beside the first", "memory, MB"], lines)


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    (line,) = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in one]
    return int(line.split()[1]) / 1024
