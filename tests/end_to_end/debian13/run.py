"""Install the device part in Debian 13 (Python 3.13), from a wheel, and run the device's quick tests there.

    python tests/end_to_end/debian13/run.py [PYTEST-ARGUMENT...]

Debian is unpacked once by debootstrap, from the mirror that this machine's apt uses. The wheels are
those that pip finds for Python 3.13 without building any. Inside there is no network.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
SUITE, PYTHON, GLIBC = "trixie", "3.13", 41
EXTRAS = ("console", "camera", "heic", "mqtt", "packs", "encryption")
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "httpx")
NEEDED = ("debootstrap", "unshare", "chroot")

DEVICE = (
    "tests/unit/cli",
    "tests/unit/console",
    "tests/unit/devices",
    "tests/unit/features",
    "tests/unit/live",
    "tests/unit/packs",
    "tests/unit/runtime",
    "tests/unit/store",
    "tests/unit/system",
    "tests/unit/vision",
    "tests/unit/watch",
    "tests/unit/test_golden_files.py",
    "tests/unit/test_public_names.py",
)


class CannotRunError(Exception):
    """Debian 13 or a wheel cannot be had here; the message says why."""


def obstacle() -> str | None:
    """Say why the tests cannot run here; None where they can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "debootstrap and overlay mounts need root"
    if missing := [program for program in NEEDED if shutil.which(program) is None]:
        return f"{', '.join(missing)} is not installed"
    return None


def cache_folder() -> Path:
    """Say where Debian lies."""
    named = os.environ.get("EDGE_TOSCA_DEBIAN13_CACHE")
    parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else parent / "edge-tosca-debian13"


def mirror() -> str | None:
    """Give the mirror of Debian that apt uses here; None for debootstrap's own choice."""
    if not shutil.which("apt-get"):
        return None
    asked = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    lines = [line.split(" ", 1) for line in _call(*asked).splitlines()]
    return next((uri for label, uri in lines if label == "Debian"), None)


def prepare_root() -> Path:
    """Unpack Debian 13 where it is not yet."""
    root = cache_folder() / "root"
    if not root.is_dir():
        print(f"debootstrap {SUITE}", flush=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        new = root.with_name("root.new")
        shutil.rmtree(new, ignore_errors=True)
        words = ["--variant=minbase", "--include=python3,python3-venv,iproute2,libgl1", SUITE, str(new)]
        _call("debootstrap", *words, *([found] if (found := mirror()) else []))
        shutil.rmtree(new / "var/cache/apt/archives", ignore_errors=True)
        new.rename(root)
    return root


def prepare_wheels(folder: Path) -> None:
    """Build edge-tosca's wheel, and fetch those of its requirements for Python 3.13."""
    with tempfile.TemporaryDirectory() as scratch:
        # A build in the source tree would leave files there, and pick up those that an earlier one left.
        _pip(
            "wheel", "--no-deps", "--wheel-dir", str(folder), str(copy_of_the_tree(Path(scratch) / "source"))
        )
    (wheel,) = folder.glob("edge_tosca-*.whl")
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 16, -1)]
    kind = ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}", *platforms]
    wanted = [f"{wheel}[{','.join(EXTRAS)}]", *TOOLS]
    _pip("download", "--dest", str(folder), *kind, "--platform=manylinux2014_x86_64", *wanted)


def copy_of_the_tree(folder: Path) -> Path:
    """Copy what is of the project: no environments, and nothing that builds and runs left."""
    left = {REPOSITORY / name for name in ("build", "demo")}
    common = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__")

    def hidden(place: str, names: list[str]) -> set[str]:
        return {*common(place, names), *(name for name in names if Path(place, name) in left)}

    shutil.copytree(REPOSITORY, folder, ignore=hidden)
    return folder


def main() -> int:
    """Prepare, run, and give the exit code of the tests."""
    if reason := obstacle():
        print(reason, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
        work = Path(scratch)
        shared = work / "shared"
        (shared / "wheels").mkdir(parents=True)
        try:
            root = prepare_root()
            prepare_wheels(shared / "wheels")
        except CannotRunError as error:
            print(error, file=sys.stderr)
            return 1
        copy_of_the_tree(shared / "source")
        given = sys.argv[1:] or ["-q", "-m", "not slow", *DEVICE]
        spaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net"]
        script = Path(__file__).with_name("inside.sh")
        return subprocess.run(
            [*spaces, "sh", str(script), str(root), str(work), ",".join(EXTRAS), *given]
        ).returncode


def _pip(*words: str) -> str:
    return _call(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words)


def _call(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        last = (ran.stderr or ran.stdout).strip().splitlines()[-3:]
        raise CannotRunError(f"{' '.join(command[:5])} ... failed: {' / '.join(last)}")
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main())
