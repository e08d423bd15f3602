"""A real console on a free port of this machine, and clients of it."""

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

WAIT_SECONDS = 60

# httpx makes a context of TLS for each request, also over http; the default one reads all certificates of the
# system, 28 milliseconds of processor time.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Served:
    """A console that runs."""

    url: str
    process: subprocess.Popen[str]
    log: list[str]

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    @property
    def api(self) -> str:
        return f"{self.url}api/v1"

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self.api}{path}", timeout=WAIT_SECONDS, verify=PLAIN, **options)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)


@contextlib.contextmanager
def serving(
    store: Path, *options: object, env: dict[str, str] | None = None, before: tuple[str, ...] = ()
) -> Iterator[Served]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EDGE_TOSCA")}
    listen = () if "--listen" in options else ("--listen", "127.0.0.1:0")
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "edge_tosca", "serve", str(store), *listen, *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "OPENBLAS_NUM_THREADS": "1", **(env or {})},
    )
    assert process.stdout is not None
    log: list[str] = []
    reader = threading.Thread(target=lambda: log.extend(iter(process.stderr.readline, "")), daemon=True)
    reader.start()
    try:
        line = process.stdout.readline()
        assert line, "".join(log)
        yield Served(line.split()[0], process, log)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(WAIT_SECONDS)
        finally:
            process.kill()
            process.stdout.close()
            reader.join(5)
            process.stderr.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., contextlib.AbstractContextManager[Served]]:
    """Serve a store: with serve(store, "--camera", ...) as served."""
    return serving


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Ask until an answer is as wanted; the time is only for a test that fails."""

    def wait(ask: Callable[[], Any], wanted: Callable[[Any], bool] = bool) -> Any:
        end = time.monotonic() + WAIT_SECONDS
        while True:
            found = ask()
            if wanted(found):
                return found
            assert time.monotonic() < end, found
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def teach(eventually) -> Callable[..., dict[str, Any]]:
    """Teach pictures through the API, and give the finished job."""

    def do(served: Served, pictures: dict[str, list[Path]], **asked: Any) -> dict[str, Any]:
        for label, paths in pictures.items():
            for path in paths:
                queued = served.ask(
                    "POST",
                    "/queue",
                    params={"label": label, "force": "true"},
                    content=path.read_bytes(),
                    headers={"Content-Type": "image/jpeg"},
                )
                assert queued.json()["accepted"], queued.text
        begun = served.ask("POST", "/learn", json={"labels": list(pictures), **asked})
        assert begun.status_code == 202, begun.text
        job = begun.json()["job"]
        return eventually(
            lambda: served.ask("GET", "/jobs", params={"id": job}).json(),
            lambda found: found["state"] != "running",
        )

    return do


@pytest.fixture(scope="session")
def frames_file(tmp_path_factory, draw_pictures) -> Callable[..., Path]:
    """A file of camera frames: so many of each class, one after the other."""

    def write(*labels: str, each: int = 10) -> Path:
        folder = tmp_path_factory.mktemp("frames")
        file = folder / "cam.mjpeg"
        drawn = draw_pictures(folder / "drawn", labels, count=each, start=200, side=320)
        with file.open("wb") as out:
            for label in labels:
                for path in sorted((drawn / label).iterdir()):
                    content = BytesIO()
                    Image.open(path).resize((640, 480)).save(content, "JPEG", quality=90)
                    out.write(content.getvalue())
        return file

    return write


@pytest.fixture(scope="module")
def store(taught, copy_store, tmp_path_factory):
    """A store that was taught two tasks, for the tests of a file."""
    return copy_store(taught, tmp_path_factory.mktemp("guarded") / "shop.tosca")


@pytest.fixture(scope="module")
def open_box(serve, store):
    """Its console, on this machine alone."""
    with serve(store) as served:
        yield served


@pytest.fixture(scope="module")
def photo(photos):
    """A picture of an apple, as JPEG."""
    return (photos / "task1" / "apple" / "000.jpg").read_bytes()
