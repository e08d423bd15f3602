"""Try an untrusted bundle once in a process of its own, with limits, before it is loaded into this one.

A graph of a few bytes can run for ever, take all memory or crash its runtime. What was tried successfully is
remembered in the user's cache by the digests of its files; the built-in bundles are not tried.
"""

import functools
import hashlib
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from edge_tosca.errors import BundleError
from edge_tosca.runtime.built_in import BUILT_IN
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import read_manifest
from edge_tosca.runtime.trial_limits import TrialLimits, resident_bytes
from edge_tosca.runtime.user_cache import cache_folder

_VERSION = 1
_PROGRAM = "edge_tosca.runtime.trial_process"
_LOOK_SECONDS = 0.05
_RUNTIME_BYTES = 400 << 20
"""Resident memory of a process that has imported a runtime, at most."""

_REMEDY = "refused; use a bundle whose origin you trust, or make it again with: edge-tosca export"


def require_trial(bundle: Bundle, runtime: str, device: str, version: str) -> None:
    """Raise if a bundle cannot be loaded and run within the limits, unless it was tried before.

    Args:
        bundle: the verified bundle.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        version: of the runtime, since another one runs the same graph in another way.

    Raises:
        BundleError: the trial failed; the message says how.
    """
    files = {name: bundle.files[name] for name in bundle.graph_files(runtime)}
    if any(files.items() <= known.items() for known in _built_in(bundle.preprocessing.size)):
        return
    # Without a cache the bundle is tried every time.
    folder = cache_folder("trials")
    mark = None if folder is None else folder / _key(bundle, files, runtime, device, version)
    if mark is not None and mark.is_file():
        return
    if _succeeds(bundle, files, runtime, device) and mark is not None:
        with suppress(OSError):
            mark.touch(mode=0o600)


@functools.cache
def _built_in(size: int) -> list[dict[str, str]]:
    """Return the files of the built-in bundles for pictures of one size: a larger input takes longer."""
    manifests = [read_manifest(folder) for folder in BUILT_IN.values()]
    return [manifest["files"] for manifest in manifests if manifest["input"]["size"] == size]


def _key(bundle: Bundle, files: dict[str, str], runtime: str, device: str, version: str) -> str:
    dependencies = {
        "how": _VERSION,
        "files": files,
        "size": bundle.preprocessing.size,
        "runtime": [runtime, version],
        "device": device,
    }
    return hashlib.sha256(json.dumps(dependencies, sort_keys=True).encode()).hexdigest()


def _succeeds(bundle: Bundle, files: dict[str, str], runtime: str, device: str) -> bool:
    """Try a bundle; return whether it was, which it is not where the runtime or the device is missing."""
    size = sum(bundle.place(name).stat().st_size for name in files)
    limits = TrialLimits.of(size, bundle.preprocessing.size, device)
    graph = bundle.path / next(iter(files))
    # Without -P a folder that was downloaded, and is the current one, could bring modules along.
    command = [sys.executable, "-P", "-m", _PROGRAM, str(bundle.path), runtime, device]
    try:
        out, status = _run(command, limits)
    except _LimitError as limit:
        raise BundleError(f"{graph}: {limit}; {_REMEDY}") from None
    except OSError as error:
        raise BundleError(
            f"{graph}: the process that tries it cannot be started ({error.strerror}); "
            f"allow edge-tosca to start {sys.executable}"
        ) from error
    result = _result(out)
    if "bundle_error" in result:
        raise BundleError(str(result["bundle_error"]))
    if "error" in result:
        # Not the bundle's; it is raised again when the backbone is loaded here.
        return False
    if result.get("files") != files:
        raise BundleError(f"{graph}: {_ended(status, limits)}; {_REMEDY}")
    return True


class _LimitError(Exception):
    """A limit was reached; the message says which."""


def _run(command: list[str], limits: TrialLimits) -> tuple[bytes, int]:
    end = time.monotonic() + limits.wall_seconds
    most = limits.bytes + _RUNTIME_BYTES
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    out, _ = process.communicate(timeout=_LOOK_SECONDS)
                    return out, process.returncode
                # Beside the limit that the process has set itself, which not every system enforces.
                if (resident_bytes(process.pid) or 0) > most:
                    raise _LimitError(_too_much(limits))
                if time.monotonic() > end:
                    raise _LimitError(f"was still loading after {limits.wall_seconds} s")
        finally:
            process.kill()


def _result(out: bytes) -> dict[str, Any]:
    try:
        result = json.loads(out)
    except ValueError:
        return {}
    return result if isinstance(result, dict) else {}


def _ended(status: int, limits: TrialLimits) -> str:
    if status == -signal.SIGXCPU:
        return f"was still running after {limits.processor_seconds} s of processor time"
    if status == -signal.SIGKILL:
        return _too_much(limits)
    if status < 0:
        with suppress(ValueError):
            name = signal.Signals(-status).name
            return f"crashed the process that tried it ({name}; it may take {limits.bytes >> 20} MB)"
    return f"could not be tried (exit code {status})"


def _too_much(limits: TrialLimits) -> str:
    return f"takes more than the {limits.bytes >> 20} MB of memory that a trial may take"
