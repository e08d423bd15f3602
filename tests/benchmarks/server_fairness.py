"""How long another client waits while one sends the worst bursts allowed, and how long the end takes."""

import http.client
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from edge_tosca.learner.learner import Learner

_SIDE = 4896
"""Of the largest square PNG that is decoded: 24 megapixels in 70 kB."""

_HEAVY = "127.0.0.2"
_OTHER = "127.0.0.1"


@dataclass(frozen=True)
class Fairness:
    """What a burst does to others.

    Attributes:
        pictures: in the burst.
        kilobytes: of the burst.
        quiet: seconds of each answer to the other client before the burst.
        busy: the same while bursts run.
        bursts: status and seconds of each burst.
        end: seconds from SIGTERM to the end, with a burst under way.
    """

    pictures: int
    kilobytes: int
    quiet: list[float]
    busy: list[float]
    bursts: list[tuple[int, float]]
    end: float

    def text(self) -> str:
        """Describe it in a few lines."""
        lines = [f"burst: {self.pictures} pictures, {self.kilobytes} kB; answers {self.bursts}"]
        for name, seconds in (("quiet", self.quiet), ("busy", self.busy)):
            median, p99 = np.percentile(seconds, (50, 99))
            lines.append(
                f"{name}: {len(seconds)} answers to another client: median {1e3 * median:.0f} ms, "
                f"p99 {1e3 * p99:.0f} ms, longest {1e3 * max(seconds):.0f} ms"
            )
        return "\n".join([*lines, f"SIGTERM during a burst: ended after {self.end:.1f} s"])


def measure(seconds: float, pictures: int, kind: str) -> Fairness:
    """Serve a small store, and send it bursts and pictures from two addresses.

    Args:
        seconds: of bursts.
        pictures: in a burst.
        kind: "RGB" or "RGBA" for a PNG, "WEBP" or "progressive" for other formats.

    Returns:
        The measured seconds.
    """
    burst, small = _burst(_large(kind), pictures), _small()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder, "shop.tosca")
        with_classes(store)
        # All of 127.0.0.0/8 are this machine; a client is known by its address.
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_tosca", "serve", str(store), "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().split()[0].rstrip("/").rpartition(":")[2])
            quiet = [_ask(port, _OTHER, "predict", small)[1] for _ in range(50)]
            answered: list[tuple[int, float]] = []
            until = time.monotonic() + seconds
            heavy = _repeat(lambda: answered.append(_ask(port, _HEAVY, "burst", burst)), until)
            busy = []
            while heavy.is_alive() and time.monotonic() < until:
                status, took = _ask(port, _OTHER, "predict", small)
                assert status == 200, status
                busy.append(took)
            heavy.join()
            last = _repeat(lambda: _ask(port, _HEAVY, "burst", burst), time.monotonic())
            time.sleep(1.0)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(120)
            end = time.monotonic() - began
            last.join()
        finally:
            process.kill()
    return Fairness(pictures, len(burst) >> 10, quiet, busy, answered, end)


def with_classes(store: Path) -> None:
    """Create a store that knows two classes of random features."""
    learner = Learner.create(store)
    rng = np.random.default_rng(0)
    dimension = int(learner.store.settings["feature_dim"])
    rows = rng.normal(size=(2, 8, dimension)).astype(np.float32) + 2 * rng.normal(size=(2, 1, dimension))
    learner.learn_features({"mug": rows[0], "cup": rows[1]}, force=True)
    learner.close()


def _repeat(act: Callable[[], object], until: float) -> threading.Thread:
    def run() -> None:
        while True:
            act()
            if time.monotonic() >= until:
                return

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _ask(port: int, address: str, route: str, body: bytes) -> tuple[int, float]:
    kind = "image/jpeg" if route == "predict" else "multipart/form-data; boundary=view"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300, source_address=(address, 0))
    began = time.monotonic()
    try:
        connection.request("POST", f"/api/v1/{route}", body, {"Content-Type": kind})
        answer = connection.getresponse()
        json.loads(answer.read())
        return answer.status, round(time.monotonic() - began, 3)
    except (OSError, http.client.HTTPException):
        # The server ended.
        return 0, round(time.monotonic() - began, 3)
    finally:
        connection.close()


def _large(kind: str) -> bytes:
    content = BytesIO()
    if kind in ("RGB", "RGBA"):
        Image.new(kind, (_SIDE, _SIDE), "teal").save(content, "PNG")
        return content.getvalue()
    noise = np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((_SIDE - 1, _SIDE - 1))
    if kind == "WEBP":
        picture.save(content, "WEBP", quality=20, method=0)
    else:
        picture.save(content, "JPEG", quality=40, progressive=True)
    return content.getvalue()


def _small() -> bytes:
    content = BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "JPEG", quality=85)
    return content.getvalue()


def _burst(picture: bytes, count: int) -> bytes:
    head = b'--view\r\nContent-Disposition: form-data; name="pictures"; filename="%d"\r\n\r\n'
    return b"".join(head % number + picture + b"\r\n" for number in range(count)) + b"--view--\r\n"
