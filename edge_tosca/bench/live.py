"""A camera's live answers through `edge-tosca serve`, while another client teaches again and again."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_tosca.bench.console_client import ConsoleClient, EventCounter
from edge_tosca.bench.live_figures import Phase, Sample, phase, slope
from edge_tosca.bench.live_scene import FPS, HEIGHT, WIDTH, Scene, make_scene
from edge_tosca.errors import EdgeToscaError

LONGEST_PHASE = 90.0
"""Seconds. The service's own percentiles are over its last 600 answers, which is less than that."""

_SAMPLE_SECONDS = 1.0
_START_SECONDS = 120.0


@dataclass(frozen=True)
class LiveRun:
    """One measurement.

    Attributes:
        scene: pixels and rate of the camera, and classes taught before.
        samples: one a second.
        quiet: while only a page reads.
        teaching: while another client teaches one class and rolls back without a pause.
        lessons: seconds that each lesson took, pictures included.
        events: live answers that the page got.
        slope: megabytes an hour by which memory grew after the first tenth of the run.
    """

    scene: dict[str, int]
    samples: list[Sample]
    quiet: Phase
    teaching: Phase
    lessons: list[float]
    events: int
    slope: float

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)


def measure(folder: Path, seconds: float, on_progress: Callable[[int, int], None]) -> LiveRun:
    """Serve a store to a page and to a client that teaches, and watch the service.

    Args:
        folder: with one folder of pictures a class.
        seconds: of measuring.
        on_progress: called with the seconds done and their number.

    Returns:
        The measurement.

    Raises:
        EdgeToscaError: the service does not start, or ends.
    """
    with tempfile.TemporaryDirectory() as where:
        scene = make_scene(folder, Path(where))
        with _serving(scene, Path(where) / "log") as (process, port), ConsoleClient(port) as client:
            _until_answering(client, process)
            page = EventCounter(port)
            lessons: list[float] = []
            samples = _watch(scene, process.pid, client, port, seconds, lessons, on_progress)
            page.close()
    about = {"width": WIDTH, "height": HEIGHT, "fps": FPS, "classes": scene.classes}
    quiet, teaching = (phase(samples, kind) for kind in (False, True))
    return LiveRun(about, samples, quiet, teaching, lessons, page.events, slope(samples))


@contextmanager
def _serving(scene: Scene, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "edge_tosca", "serve", str(scene.store), "--camera", scene.frames]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--listen", f"127.0.0.1:{port}"],
            stdout=file,
            stderr=file,
            # As devices/service has it.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
    try:
        yield process, port
        if process.poll() is not None:
            raise EdgeToscaError(f"the service ended by itself: {log.read_text(errors='replace')[-300:]}")
    finally:
        process.terminate()
        process.wait()


def _until_answering(client: ConsoleClient, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.request("GET", "/health")["live"]["answered"] > 0:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise EdgeToscaError("the service gives no live answers; try edge-tosca serve by itself to see why")


def _watch(
    scene: Scene,
    pid: int,
    client: ConsoleClient,
    port: int,
    seconds: float,
    lessons: list[float],
    on_progress: Callable[[int, int], None],
) -> list[Sample]:
    turn = min(LONGEST_PHASE, seconds / 4)
    begun, samples = time.monotonic(), []
    teacher = _Teacher(scene, port, lessons)
    try:
        while (at := time.monotonic() - begun) < seconds:
            teacher.work(int(at / turn) % 2 == 1)
            samples.append(_sample(client, pid, at, teacher.working))
            on_progress(int(at), int(seconds))
            time.sleep(max(0.0, begun + at + _SAMPLE_SECONDS - time.monotonic()))
    finally:
        teacher.close()
    return samples


class _Teacher:
    """Teaches one class and rolls back, again and again, while it is set to work."""

    def __init__(self, scene: Scene, port: int, lessons: list[float]) -> None:
        self._scene, self._port, self._lessons = scene, port, lessons
        self._wanted, self._ended = threading.Event(), False
        self._error: Exception | None = None
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="teacher", daemon=True)
        self._thread.start()

    @property
    def working(self) -> bool:
        """Whether a lesson is under way, or the next one is about to be."""
        return self._busy or self._wanted.is_set()

    def work(self, wanted: bool) -> None:
        """Teach from now on, or stop after the current lesson."""
        if self._error is not None:
            raise EdgeToscaError(f"teaching failed: {self._error}") from self._error
        if wanted:
            self._wanted.set()
        else:
            self._wanted.clear()

    def close(self) -> None:
        """End after the current lesson."""
        self._ended = True
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        with ConsoleClient(self._port) as client:
            while self._wanted.wait() and not self._ended:
                self._busy = True
                try:
                    self._lessons.append(client.teach(self._scene.label, self._scene.lesson))
                except (EdgeToscaError, OSError) as error:
                    self._error = error
                    return
                finally:
                    self._busy = False


def _sample(client: ConsoleClient, pid: int, at: float, teaching: bool) -> Sample:
    health = client.request("GET", "/health")
    live, camera = health["live"], health["camera"]
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Sample(
        at=at,
        teaching=teaching,
        rss=int(status["VmRSS"].split()[0]) / 1024,
        cpu=(int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"),
        answered=live["answered"],
        frames=camera["frames"],
        skipped=live["skipped"],
        p50=1e3 * live["latency_p50"],
        p99=1e3 * live["latency_p99"],
        load=os.getloadavg()[0],
    )
