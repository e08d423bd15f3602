"""Examine the machine: programs, processor, memory and disk."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge_tosca.devices.findings import Finding
from edge_tosca.devices.processor import read_machine
from edge_tosca.devices.profiles import detect

MEMORY_NEEDED = 300
"""Megabytes that learning 200 pictures stays below."""

DISK_NEEDED = 100
"""Megabytes that some dozens of lessons and SQLite's log take."""

_OLDEST_PYTHON = (3, 11)
_REQUIRED = ("numpy", "onnxruntime", "pillow", "safetensors", "typer", "rich")
_OPTIONAL = ("openvino",)


def examine_host() -> Iterator[Finding]:
    """Look at Python, packages, processor and memory.

    Yields:
        The findings.
    """
    yield Finding(
        "python",
        sys.version_info >= _OLDEST_PYTHON,
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "" if sys.version_info >= _OLDEST_PYTHON else "install Python 3.11 or later",
    )
    yield _packages()
    yield _processor()
    yield examine_memory()


def examine_memory(meminfo: str | None = None) -> Finding:
    """Compare the memory that is available with what learning needs.

    Args:
        meminfo: text of /proc/meminfo; read where None.

    Returns:
        The finding.
    """
    if meminfo is None:
        path = Path("/proc/meminfo")
        meminfo = path.read_text() if path.is_file() else ""
    lines = [line.split() for line in meminfo.splitlines() if line.startswith("MemAvailable:")]
    if not lines:
        return Finding("memory", True, f"not known here; learning needs {MEMORY_NEEDED} MB")
    free = int(lines[0][1]) * 1024 // 10**6
    enough = free >= MEMORY_NEEDED
    remedy = "" if enough else "close other programs, or add swap"
    return Finding("memory", enough, f"{free} MB available, learning needs up to {MEMORY_NEEDED} MB", remedy)


def examine_disk(folder: Path) -> Iterator[Finding]:
    """Look at the disk that a store lies on.

    Args:
        folder: of the store.

    Yields:
        The findings.
    """
    if not folder.is_dir():
        yield Finding("disk", False, f"{folder} is no folder", "name a store in a folder that exists")
        return
    free = shutil.disk_usage(folder).free // 10**6
    enough = free >= DISK_NEEDED
    yield Finding(
        "disk space",
        enough,
        f"{free} MB free in {folder}",
        "" if enough else f"make {DISK_NEEDED} MB of room",
    )
    # SQLite keeps its log beside the store, so the folder has to be writable, not the file alone.
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Finding(
        "disk writable",
        writable,
        f"{folder} {'can' if writable else 'cannot'} be written",
        "" if writable else f"give this user the right to write: chmod u+w {folder}",
    )


def _packages() -> Finding:
    found, missing = [], []
    for name in (*_REQUIRED, *_OPTIONAL):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name in _REQUIRED:
                missing.append(name)
    try:
        found.insert(0, f"edge-tosca {version('edge-tosca')}")
    except PackageNotFoundError:
        missing.append("edge-tosca")
    remedy = (
        "" if not missing else f"missing: {', '.join(missing)}; install them with: pip install edge-tosca"
    )
    return Finding("packages", not missing, ", ".join(found), remedy)


def _processor() -> Finding:
    machine = read_machine()
    profile = detect(machine)
    name = machine.board or machine.cpu or machine.architecture
    int8 = ", ".join(machine.int8) or "no int8 instructions"
    threads = f" --threads {profile.threads}" if profile.threads else ""
    advice = f"--runtime {profile.runtime} --device {profile.device}{threads}"
    return Finding(
        "processor", True, f"{name}, {os.cpu_count()} cores, {int8}; profile {profile.name}: {advice}"
    )
