"""Examine the machine: Python, packages, processor, memory and disk."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge_tosca.devices.findings import Finding
from edge_tosca.devices.processor import Machine, text
from edge_tosca.devices.profiles import Profile
from edge_tosca.store.read_only_media import on_read_only_file_system

MEMORY_NEEDED = 300
"""Megabytes; learning 200 pictures needs less."""

DISK_NEEDED = 100
"""Megabytes that some dozens of tasks and SQLite's log need."""

_OLDEST_PYTHON = (3, 11)
_REQUIRED = ("numpy", "onnxruntime", "pillow", "safetensors", "typer", "rich")
_OPTIONAL = ("openvino",)


def examine_host(machine: Machine, profile: Profile, root: Path = Path("/")) -> Iterator[Finding]:
    """Examine Python, packages, processor and memory.

    Args:
        machine: this machine.
        profile: of this machine.
        root: the folder that holds proc and sys.

    Yields:
        The findings.
    """
    yield Finding(
        "python",
        sys.version_info >= _OLDEST_PYTHON,
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "" if sys.version_info >= _OLDEST_PYTHON else "install Python 3.11 or later",
        {"version": platform.python_version(), "system": platform.system()},
    )
    yield _packages()
    cores = os.cpu_count()
    int8 = ", ".join(machine.int8) or "no int8 instructions"
    yield Finding(
        "processor",
        True,
        f"{machine.name}, {cores} cores, {int8}",
        values={**asdict(machine), "cores": cores},
    )
    yield Finding(
        "profile",
        True,
        f"{profile.name}, {profile.title}: {profile.backbone} {profile.precision} with {profile.options}",
        values={
            key: getattr(profile, key)
            for key in ("name", "backbone", "precision", "runtime", "device", "threads")
        },
    )
    yield examine_memory(root)


def examine_memory(root: Path = Path("/")) -> Finding:
    """Compare the memory that is available with what learning needs.

    Args:
        root: the folder that holds proc and sys.

    Returns:
        The finding.
    """
    free = _available(root)
    if free is None:
        detail = f"not known on this system; learning needs {MEMORY_NEEDED} MB"
        return Finding("memory", True, detail, measured=False)
    enough = free >= MEMORY_NEEDED
    remedy = "" if enough else "close other programs, or add swap"
    return Finding(
        "memory",
        enough,
        f"{free} MB available, learning needs up to {MEMORY_NEEDED} MB",
        remedy,
        {"available_megabytes": free},
    )


def _available(root: Path) -> int | None:
    lines = [line.split() for line in text(root / "proc/meminfo").splitlines()]
    free = [int(line[1]) * 1024 for line in lines if line and line[0] == "MemAvailable:"]
    # A container may have less than the machine.
    try:
        group = root / "sys/fs/cgroup"
        free.append(int(text(group / "memory.max")) - int(text(group / "memory.current")))
    except ValueError:
        pass
    return min(free) // 10**6 if free else None


def examine_disk(folder: Path) -> Iterator[Finding]:
    """Examine the disk of a store's folder.

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
        "" if enough else f"free {DISK_NEEDED} MB",
        {"free_megabytes": free},
    )
    if on_read_only_file_system(folder / "store"):
        detail = f"{folder} is on a read-only file system: a store there can be read but not taught"
        yield Finding("disk writable", True, detail, "mount it writable to teach")
        return
    # SQLite keeps its log beside the store, so the folder must be writable, not only the file.
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Finding(
        "disk writable",
        writable,
        f"{folder} is {'' if writable else 'not '}writable",
        "" if writable else f"make it writable for this user: chmod u+w {folder}",
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
    versions = dict(entry.split(" ", 1) for entry in found)
    return Finding("packages", not missing, ", ".join(found), remedy, versions)
