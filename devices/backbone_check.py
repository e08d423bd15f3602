"""Examine the backbone: the bundle's files, the golden features and the speed."""

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


def examine_backbone(
    path: Path | None,
    runtime: str,
    device: str,
    threads: int | None,
    on_fingerprint: Callable[[Fingerprint], None],
    root: Path = Path("/"),
) -> Iterator[Finding]:
    """Examine a bundle, and the features that a backend computes with it.

    Args:
        path: the bundle's folder; None for the one that ships with edge-tosca.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: of the backbone; None for the runtime's own choice.
        on_fingerprint: called with the features' fingerprint, once the backbone is loaded.
        root: the folder that holds proc.

    Yields:
        The findings; none after a bundle or backbone that cannot be loaded.
    """
    try:
        bundle = Bundle.load(path)
    except BundleError as error:
        remedy = "make it again with: edge-tosca export" if path else "install edge-tosca again"
        yield Finding("bundle", False, str(error), remedy)
        return
    detail = f"{bundle.name} {bundle.precision}, {len(bundle.files)} files with the manifest's sha256"
    yield Finding("bundle", True, detail, values={"name": bundle.name, "sha256": bundle.digest})
    try:
        backend = open_backend(bundle, runtime, device, threads)
    except EdgeToscaError as error:
        yield Finding("backbone", False, str(error), "choose another --runtime or --device")
        return
    on_fingerprint(fingerprint(bundle, backend))
    worst = min(golden_cosines(bundle, backend))
    correct = worst >= GOLDEN_FLOOR
    yield Finding(
        "golden pictures",
        correct,
        f"lowest cosine {worst:.4f} on {backend.name} {backend.device}, at least {GOLDEN_FLOOR} is required",
        "" if correct else "its features are wrong: choose another --runtime or --device, or an fp32 bundle",
        {"cosine": worst, "runtime": backend.name, "device": backend.device},
    )
    yield _speed(bundle, backend, root)


def _speed(bundle: Bundle, backend: Backend, root: Path) -> Finding:
    prepare, median = picture_times(bundle, backend)
    peak = _peak_megabytes(root)
    memory = "" if peak is None else f"; peak memory of this program {peak} MB"
    usable = median <= _SLOW_MS
    return Finding(
        "speed",
        usable,
        f"{median:.1f} ms a picture in the backbone, {prepare:.1f} before it (medians of {_TIMED}){memory}",
        ""
        if usable
        else "choose a smaller backbone or an int8 bundle, and stop other programs that use the processor",
        {"backbone_ms": median, "prepare_ms": prepare, "megabytes": peak},
    )


def picture_times(bundle: Bundle, backend: Backend) -> tuple[float, float]:
    """Measure how long one picture takes.

    Args:
        bundle: the bundle.
        backend: that runs it.

    Returns:
        Milliseconds of its preparation and of its inference, medians of 20.
    """
    picture = Image.fromarray(bundle.golden[0].picture.pixels())
    pixels = bundle.preprocessing(picture)
    return _median_ms(lambda: bundle.preprocessing(picture)), _median_ms(lambda: backend.features(pixels))


def _median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMED):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _peak_megabytes(root: Path) -> int | None:
    """Return the peak resident memory of this process; None where it is unknown."""
    lines = [line.split() for line in text(root / "proc/self/status").splitlines()]
    return next((int(line[1]) // 1000 for line in lines if line and line[0] == "VmHWM:"), None)
