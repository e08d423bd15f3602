"""The library that injects faults: built from faults.c, loaded before libc, armed in a child process."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODES = ("count", "kill", "half", "cut", "full", "broken", "frozen", "once")
"""In the order of the enumeration in faults.c."""

KILLS = ("kill", "half", "cut")
"""Killed before a change, after half of it, and a power cut that takes unsynced sectors back."""

WRITE_FAILURES = ("full", "broken", "frozen", "once")
"""Disk full, I/O errors from a change on, a file system that turned read-only, and one failed change."""

_SOURCE = Path(__file__).with_name("faults.c")
_LOADED = "TORTURE_FAULTS"


class NoCompilerError(Exception):
    """There is no C compiler to build the library with."""


def preloaded() -> None:
    """Start this process anew with the library in front of libc, unless it is there already.

    Raises:
        NoCompilerError: neither cc nor gcc is installed.
    """
    if _LOADED in os.environ:
        return
    library = build(Path(tempfile.mkdtemp()))
    os.environ |= {_LOADED: str(library), "LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1"}
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def build(folder: Path) -> Path:
    """Compile faults.c.

    Args:
        folder: where to put the library.

    Returns:
        Its path.

    Raises:
        NoCompilerError: neither cc nor gcc is installed.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompilerError("the torture harness needs a C compiler (cc or gcc), and none is installed")
    library = folder / "faults.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    return library


def arm(folder: Path, at: int, mode: str, chance: int) -> None:
    """Let this process's change number `at` to files in a folder fail.

    Args:
        folder: what is watched.
        at: number of the change, from 1; 0 for none.
        mode: one of MODES.
        chance: seed of what a power cut takes back.
    """
    library().faults_arm(os.fsencode(folder) + b"/", at, MODES.index(mode), chance)


def seen() -> int:
    """Number of changes that were made since `arm`."""
    return int(library().faults_seen())


def library() -> ctypes.CDLL:
    """The library, as it is loaded into this process."""
    return ctypes.CDLL(os.environ[_LOADED])
