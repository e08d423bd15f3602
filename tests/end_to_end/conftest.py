"""How end-to-end tests run the command line: a real process, in a folder of its own, and nothing else."""

import hashlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.end_to_end import forked_edge
from tests.unit.watch.shelf import Shelf

# A test that hangs is broken; no test is decided by how long anything takes.
HANGING_SECONDS = 170

# Put before everything else in the process: whatever is not this machine is written down and refused.
GUARD = """
import os, socket

def refuse(what, where):
    with open(os.environ["ATTEMPTS"], "a") as file:
        print(what, where, file=file)
    raise PermissionError(f"{what} {where}: nothing may leave")

def is_local(kind, address):
    return kind == socket.AF_UNIX or str(address[0]) in ("127.0.0.1", "::1", "localhost")

class Guarded(socket.socket):
    def guarded(self, name, address, *args):
        if address is None or is_local(self.family, address):
            return getattr(super(), name)(*args)
        return refuse(name, address)

    def connect(self, address):
        return self.guarded("connect", address, address)

    def connect_ex(self, address):
        return self.guarded("connect_ex", address, address)

    def sendto(self, data, *rest):
        return self.guarded("sendto", rest[-1], data, *rest)

    def sendmsg(self, buffers, ancillary=(), flags=0, address=None):
        return self.guarded("sendmsg", address, buffers, ancillary, flags, address)

def look_up(name):
    found = getattr(socket, name)
    def guarded(host, *rest, **options):
        return found(host, *rest, **options) if is_local(None, (host,)) else refuse(name, host)
    setattr(socket, name, guarded)

socket.socket = Guarded
for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    look_up(name)
"""

TASKS = (("apple", "brick"), ("cone", "door"), ("flag", "gauge"), ("leaf", "pool"), ("tile", "zebra"))


@dataclass(frozen=True)
class Ran:
    """One finished run of the command line."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> dict[str, Any]:
        assert self.code == 0, self.err
        (value,) = self.lines
        return value

    @property
    def complaint(self) -> str:
        """The one line that an error is told in."""
        assert self.code == 1, (self.code, self.out, self.err)
        assert "Traceback" not in self.err
        assert "a fault of edge-tosca itself" not in self.err
        (line,) = self.err.splitlines()
        assert line.startswith("edge-tosca: ")
        return line


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("EDGE_TOSCA", "PYTHON"))
    }
    # The suite shares its machine: one thread of NumPy's BLAS in each child is enough.
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "TERM": "dumb", **(extra or {})}


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start a Python program, the command line by default, and do not wait for it."""

    def begin(
        *args: object,
        program: tuple[str, ...] = ("-m", "edge_tosca"),
        env: Mapping[str, str] | None = None,
        before: tuple[str, ...] = (),
        **options: Any,
    ) -> subprocess.Popen[str]:
        # One whose files are limited would leave the rest of the suite modules that are cut off.
        cached = ("-B",) if "preexec_fn" in options else ()
        return subprocess.Popen(
            [*before, sys.executable, *cached, *program, *map(str, args)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=child_environment(env),
            **options,
        )

    return begin


@pytest.fixture(scope="session")
def finish() -> Callable[[subprocess.Popen[str]], Ran]:
    """Wait for a started program."""

    def end(process: subprocess.Popen[str]) -> Ran:
        try:
            out, err = process.communicate(timeout=HANGING_SECONDS)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        return Ran(process.returncode, out, err)

    return end


@pytest.fixture(scope="session")
def edge(start: Any, finish: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Ran]:
    """Run the command line to its end: edge("learn", store, folder, "--json").

    Options other than the working directory change how a process starts, so those get a fresh one.
    """
    written = tmp_path_factory.mktemp("edge")
    out, err = written / "out", written / "err"

    def run(*args: object, **options: Any) -> Ran:
        if options.keys() - {"cwd"}:
            return finish(start(*args, **options))
        out.write_bytes(b"")
        err.write_bytes(b"")
        words = tuple(os.fspath(arg) if isinstance(arg, os.PathLike) else str(arg) for arg in args)
        code = forked_edge.run(words, options.get("cwd"), child_environment(), out, err, HANGING_SECONDS)
        return Ran(code, out.read_text(), err.read_text())

    return run


@pytest.fixture(scope="session")
def small_disk() -> Callable[[int], Callable[[], None]]:
    """Let a child write no file beyond a number of bytes: edge(..., preexec_fn=small_disk(10_000))."""

    def limit(size: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.fixture(scope="session")
def module_bytes() -> Callable[[Path], dict[str, str]]:
    """Digest of every module's bytes by the name under which it is filed, read past the program."""

    def read(store: Path) -> dict[str, str]:
        with closing(sqlite3.connect(store)) as connection:
            rows = connection.execute("SELECT digest, data FROM modules").fetchall()
        return {name: hashlib.sha256(data).hexdigest() for name, data in rows}

    return read


@pytest.fixture(scope="session")
def remember() -> Callable[[Path], dict[str, str]]:
    """Digest of all rows of every table, read past the program: generations, classes, features, modules."""

    def look(store: Path) -> dict[str, str]:
        with closing(sqlite3.connect(store)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            tables = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            rows = {
                name: repr(sorted(connection.execute(f"SELECT * FROM {name}"), key=repr))
                for name, sql in tables
                if sql and sql.startswith("CREATE TABLE")
            }
        assert {"generations", "classes", "features", "modules"} <= set(rows)
        return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in rows.items()}

    return look


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, draw_pictures: Any) -> Path:
    """TASK/CLASS/*.jpg of five tasks of two classes."""
    folder = tmp_path_factory.mktemp("photos")
    for number, labels in enumerate(TASKS, start=1):
        draw_pictures(folder / f"task{number}", labels)
    return folder


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory, draw_pictures: Any) -> Path:
    """CLASS/*.jpg of all ten classes, none of which is taught."""
    labels = [label for task in TASKS for label in task]
    return draw_pictures(tmp_path_factory.mktemp("asked"), labels, count=3, start=100)


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory, edge: Any, photos: Path) -> Path:
    """A store that was taught the first two tasks. Tests that write to it copy it first."""
    store = tmp_path_factory.mktemp("taught") / "shop.tosca"
    assert edge("init", store).code == 0
    for task in ("task1", "task2"):
        assert edge("learn", store, photos / task, "--task", task).code == 0
    return store


@pytest.fixture(scope="session")
def copy_store() -> Callable[[Path, Path], Path]:
    """Copy a store with SQLite's own backup, so that nothing depends on a log beside it."""

    def copy(store: Path, to: Path) -> Path:
        with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(to)) as target:
            source.backup(target)
        with closing(sqlite3.connect(to)) as target:
            target.execute("PRAGMA journal_mode = WAL")
        return to

    return copy


@pytest.fixture
def guard(tmp_path):
    """Environment of a process under guard, with a home of its own, and where attempts are noted."""
    (tmp_path / "inject").mkdir()
    (tmp_path / "inject" / "sitecustomize.py").write_text(GUARD)
    (tmp_path / "home").mkdir()
    home = {
        name: str(tmp_path / "home")
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    }
    env = {**home, "PYTHONPATH": str(tmp_path / "inject"), "ATTEMPTS": str(tmp_path / "attempts")}
    return env, tmp_path / "attempts", tmp_path / "home"


@pytest.fixture
def shelf():
    """A receiver of webhooks."""
    with Shelf() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def exported(edge, taught, photos, copy_store, tmp_path_factory):
    """A folder with the model, a picture, its pixels and the learner's answer."""
    folder = tmp_path_factory.mktemp("exported")
    store = copy_store(taught, folder / "shop.tosca")
    report = edge("export-model", store, folder / "model.onnx", "--json").json
    assert report["bytes"] == (folder / "model.onnx").stat().st_size
    (folder / "labels.json").write_text(json.dumps(report["labels"]))
    picture = next((photos / "task1").rglob("*.jpg"))
    Image.open(picture).save(folder / "picture.png")
    from edge_tosca import Learner
    from edge_tosca.runtime import load_picture

    with Learner.open(store) as learner:
        answer = learner.predict(folder / "picture.png")
        pixels = learner.vision.bundle.preprocessing.crop(load_picture(folder / "picture.png"))
    (folder / "picture.rgb").write_bytes(np.ascontiguousarray(pixels).tobytes())
    return folder, report["labels"], answer
