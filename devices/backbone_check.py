"""Examine the eyes: the bundle's bytes, the faithfulness of its features and their speed."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from edge_tosca.devices.findings import Finding
from edge_tosca.devices.processor import text
from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime import (
    GOLDEN_FLOOR,
    Backend,
    Bundle,
    Fingerprint,
    fingerprint,
    golden_cosines,
    open_backend,
)

_TIMED = 20
_SLOW_MS = 1000.0


def examine_sight(
    path: Path | None,
    runtime: str,
    device: str,
    threads: int | None,
    on_fingerprint: Callable[[Fingerprint], None],
    root: Path = Path("/"),
) -> Iterator[Finding]:
    """Look at a bundle and at what a backend makes of it.

    Args:
        path: the bundle's folder; None for the one that ships with edge-tosca.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: of the backbone; None for the runtime's own choice.
        on_fingerprint: called with what the features depend on, once the backbone runs.
        root: the folder that holds proc.

    Yields:
        The findings; the first that is not well is the last.
    """
    try:
        bundle = Bundle.load(path)
    except BundleError as error:
        remedy = "make it again with: edge-tosca export" if path else "install edge-tosca again"
        yield Finding("bundle", False, str(error), remedy)
        return
    words = f"{bundle.name} {bundle.precision}, {len(bundle.files)} files with the sha256 that they must have"
    yield Finding("bundle", True, words, values={"name": bundle.name, "sha256": bundle.digest})
    try:
        backend = open_backend(bundle, runtime, device, threads)
    except EdgeToscaError as error:
        yield Finding("backbone", False, str(error), "choose another --runtime or --device")
        return
    on_fingerprint(fingerprint(bundle, backend))
    worst = min(golden_cosines(bundle, backend))
    faithful = worst >= GOLDEN_FLOOR
    yield Finding(
        "golden pictures",
        faithful,
        f"lowest cosine {worst:.4f} on {backend.name} {backend.device}, at least {GOLDEN_FLOOR} is faithful",
        "" if faithful else "its features are wrong: choose another --runtime or --device, or an fp32 bundle",
        {"cosine": worst, "runtime": backend.name, "device": backend.device},
    )
    yield _speed(bundle, backend, root)


def _speed(bundle: Bundle, backend: Backend, root: Path) -> Finding:
    picture = Image.fromarray(bundle.golden[0].picture.pixels())
    pixels = bundle.preprocessing(picture)
    prepare = _median_ms(lambda: bundle.preprocessing(picture))
    median = _median_ms(lambda: backend.features(pixels))
    taken = _megabytes(root)
    memory = "" if taken is None else f"; this program took {taken} MB at most"
    usable = median <= _SLOW_MS
    return Finding(
        "speed",
        usable,
        f"{median:.1f} ms a picture in the backbone, {prepare:.1f} before it (medians of {_TIMED}){memory}",
        ""
        if usable
        else "take a smaller backbone or an int8 bundle, and see that nothing else uses the processor",
        {"backbone_ms": median, "prepare_ms": prepare, "megabytes": taken},
    )


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMED):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _megabytes(root: Path) -> int | None:
    """The most memory that this process has held at once."""
    lines = [line.split() for line in text(root / "proc/self/status").splitlines()]
    return next((int(line[1]) // 1000 for line in lines if line and line[0] == "VmHWM:"), None)
