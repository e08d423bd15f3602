"""An emulated ARM64 box: Debian's Python and the wheels a device installs, run by qemu one program at a time.

Nothing of it enters the repository. It lies in the user's cache, or where EDGE_TOSCA_ARM64_CACHE says:

    root/         Debian for ARM64: its packages unpacked, never configured
    cores/CORE/   the same root as a board with that core shows it
    site/KEY/     the device's requirements as ARM64 wheels
    onnxruntime/  further versions of ONNX Runtime, each in its folder
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boards import CORES

REPOSITORY = Path(__file__).resolve().parents[3]
SUITES = {"bookworm": ("3.11", 36), "trixie": ("3.13", 41)}
"""Suite of Debian -> its Python, and the minor version of its C library."""

SUITE = os.environ.get("EDGE_TOSCA_ARM64_SUITE", "bookworm")
PYTHON, GLIBC = SUITES[SUITE]
TOOLS = {"qemu-aarch64-static": "qemu-user-static", "debootstrap": "debootstrap", "dpkg-deb": "dpkg"}


COMMON = {
    "PATH": os.defpath,
    "HOME": str(Path.home()),
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONSAFEPATH": "1",
}
"""Environment of every program that is run."""


class CannotEmulateError(Exception):
    """A tool is missing, a package cannot be had, or an emulated program failed."""


@dataclass(frozen=True)
class Machine:
    """What runs a Python program: this processor, or an emulated one."""

    name: str
    python: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)

    def run(self, *arguments: object) -> str:
        """Run the interpreter, without the current folder on its path, and give what it printed."""
        ran = subprocess.run(
            [*self.python, *map(str, arguments)],
            env={**COMMON, **self.environment},
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            last = (ran.stderr.strip() or "nothing on stderr").splitlines()[-1]
            raise CannotEmulateError(f"{self.name}: exit code {ran.returncode}: {last}")
        return ran.stdout

    def edge(self, *arguments: object) -> list[dict[str, Any]]:
        """Run a verb of edge-tosca with --json and give the objects it printed."""
        out = self.run("-m", "edge_tosca", *arguments, "--json")
        return [json.loads(line) for line in out.splitlines()]

    def ask(self, program: str) -> Any:
        """Run a program that prints JSON."""
        return json.loads(self.run("-c", program))


@dataclass(frozen=True)
class Emulator:
    """What the machines share: the cache, the device's requirements, edge-tosca's own wheel, and qemu."""

    cache: Path
    site: Path
    project: Path
    qemu: str

    def host(self) -> Machine:
        """Give this processor, with the very same wheel of edge-tosca."""
        environment = {"PYTHONPATH": str(self.project), "XDG_CACHE_HOME": self._user_cache("x86")}
        return Machine("x86", (sys.executable,), environment)

    def _user_cache(self, name: str) -> str:
        """Give each machine a cache of its own, as two boxes have."""
        return str(self.project.parent / f"cache-{name}")

    def core(self, name: str, onnxruntime: str | None = None, host_cpuinfo: bool = False) -> Machine:
        """Give an emulated core, if asked with another ONNX Runtime or with the host's /proc/cpuinfo."""
        root = self.cache / "root"
        seen = root if host_cpuinfo else self._board(name)
        paths = [self.project, self.site]
        if onnxruntime:
            paths.insert(0, self._onnxruntime(onnxruntime))
        return Machine(
            name,
            (self.qemu, "-cpu", name, "-L", str(seen), str(root / "usr/bin" / f"python{PYTHON}")),
            {
                "PYTHONHOME": str(root / "usr"),
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
                "PYTHONDONTWRITEBYTECODE": "1",
                "XDG_CACHE_HOME": self._user_cache(name),
            },
        )

    def _board(self, name: str) -> Path:
        folder = self.cache / "cores" / name
        (folder / "proc/device-tree").mkdir(parents=True, exist_ok=True)
        (folder / "proc/cpuinfo").write_text(CORES[name].cpuinfo())
        (folder / "proc/device-tree/model").write_text(f"{CORES[name].board} Model B\0")
        for part in ("usr", "lib", "etc"):
            if not (folder / part).is_symlink():
                (folder / part).symlink_to(Path("../../root") / part)
        return folder

    def _onnxruntime(self, version: str) -> Path:
        folder = self.cache / "onnxruntime" / version
        if not folder.is_dir():
            _install(folder, [f"onnxruntime=={version}"], "--no-deps", *_arm64_wheels())
        return folder


def cache_folder() -> Path:
    """Say where everything lies."""
    named = os.environ.get("EDGE_TOSCA_ARM64_CACHE")
    parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else parent / "edge-tosca-arm64"
    return folder if SUITE == "bookworm" else folder / SUITE


def obstacle() -> str | None:
    """Say why this machine cannot emulate ARM64 as it is; None if it can."""
    if not sys.platform.startswith("linux"):
        return "qemu's user emulation needs Linux"
    ready = (cache_folder() / "root").is_dir()
    missing = [
        package
        for tool, package in TOOLS.items()
        if not shutil.which(tool) and not (ready and tool != "qemu-aarch64-static")
    ]
    if missing:
        return f"an ARM64 emulator is not installed; run: apt-get install {' '.join(missing)}"
    if not ready and os.geteuid():
        return "debootstrap needs root the first time"
    return None


def prepare(work: Path, say: Callable[[str], None], qemu: str | None = None) -> Emulator:
    """Fetch what is not there yet, and build edge-tosca's wheel.

    Args:
        work: a folder of the caller's own; the wheel is installed in it.
        say: told each step that takes a while.
        qemu: the emulator, where it is not Debian's qemu-aarch64-static.

    Raises:
        CannotEmulateError: with the reason.
    """
    if not qemu:
        _install_tools(say)
        if reason := obstacle():
            raise CannotEmulateError(reason)
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "root").is_dir():
            say(f"Debian {SUITE} for ARM64")
            _make_root(cache / "root")
        requirements = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
        site = cache / "site" / hashlib.sha256(json.dumps(requirements).encode()).hexdigest()[:12]
        if not site.is_dir():
            say(f"ARM64 wheels of {', '.join(requirements)}")
            _install(site, requirements, *_arm64_wheels())
    _install_project(work / "project")
    return Emulator(cache, site, work / "project", qemu or "qemu-aarch64-static")


def _install_tools(say: Callable[[str], None]) -> None:
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"apt-get install {' '.join(missing)}")
        _call("apt-get", "update", "-qq")
        _call("apt-get", "install", "-y", "-qq", *missing)


def _make_root(root: Path) -> None:
    with _in_place(root) as new:
        _call(
            *("debootstrap", "--arch=arm64", "--foreign", "--variant=minbase"),
            *("--include=python3,libstdc++6", SUITE, new),
        )
        # The second stage would need to run ARM64 programs by themselves; unpacked packages are enough.
        archives = new / "var/cache/apt/archives"
        for package in sorted(archives.glob("*.deb")):
            _call("dpkg-deb", "-x", package, new)
            package.unlink()


def _install_project(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        # A build in the source tree would leave files there, and pick up those that an earlier one left.
        source = Path(scratch) / "source"
        hidden = shutil.ignore_patterns("*.egg-info", "__pycache__")
        # By name, since packages inside have names of folders that are not copied.
        for folder in ("edge_tosca", "export", "runtime", "devices"):
            shutil.copytree(REPOSITORY / folder, source / folder, ignore=hidden)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(REPOSITORY / name, source)
        _install(folder, [str(source)], "--no-deps")


def _arm64_wheels() -> Iterator[str]:
    """Name every platform tag that Debian's C library satisfies."""
    yield from ("--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON)
    for minor in range(GLIBC, 16, -1):
        yield from ("--platform", f"manylinux_2_{minor}_aarch64")
    yield from ("--platform", "manylinux2014_aarch64")


def _install(folder: Path, requirements: list[str], *options: str) -> None:
    with _in_place(folder) as new:
        _call(
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
            ),
            *("--target", new, *options, *requirements),
        )


@contextmanager
def _in_place(folder: Path) -> Iterator[Path]:
    """Make a folder beside its place and move it there when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    yield new
    new.rename(folder)


def _call(*command: object) -> None:
    words = [str(word) for word in command]
    ran = subprocess.run(words, capture_output=True, text=True)
    if ran.returncode:
        last = (ran.stderr or ran.stdout).strip().splitlines()[-3:]
        raise CannotEmulateError(f"{' '.join(words[:6])} ... failed: {' / '.join(last)}")
