"""Open a backend whose golden features are correct, or the next one whose are."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden import GOLDEN_FLOOR
from edge_tosca.runtime.golden_cache import cached_golden_features
from edge_tosca.runtime.golden_check import cosines_to_golden
from edge_tosca.runtime.open_backend import open_backend

_log = logging.getLogger("edge_tosca")

_FALLBACKS = (("openvino", "NPU"), ("openvino", "GPU"), ("openvino", "CPU"), ("onnxruntime", "CPU"))


class VerifiedBackend(NamedTuple):
    """A backend whose features of the golden pictures agree with the recorded ones.

    Attributes:
        backend: the loaded backbone.
        golden: its features of the golden pictures, float32 [g, d].
    """

    backend: Backend
    golden: NDArray[np.float32]


def open_verified(
    bundle: Bundle,
    runtime: str = "onnxruntime",
    device: str = "CPU",
    threads: int | None = None,
    hint: str = "LATENCY",
) -> VerifiedBackend:
    """Load a bundle's backbone, and refuse a device whose golden features are wrong.

    A refused device is replaced, with one line of warning, by the next one in the order OpenVINO NPU, GPU,
    CPU, ONNX Runtime CPU that is available and correct. ONNX Runtime's CPU is replaced by OpenVINO's, and
    the device that AUTO chose by the CPU.

    Args:
        bundle: the verified bundle.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: processor threads; None lets the runtime choose.
        hint: "LATENCY" or "THROUGHPUT".

    Returns:
        The backend and its golden features.

    Raises:
        EdgeToscaError: the requested runtime or device is not available.
        BundleError: no runtime on this machine computes the golden features.
    """
    refused: dict[tuple[str, str], str] = {}
    for name, kind in ((runtime, device.upper()), *_fallbacks(runtime, device.upper())):
        try:
            backend = open_backend(bundle, name, kind, threads, hint)
        except EdgeToscaError:
            if not refused:
                raise
            continue
        if (backend.name, backend.device) in refused:
            continue
        golden = cached_golden_features(bundle, backend)
        worst = min(cosines_to_golden(bundle, golden))
        if worst >= GOLDEN_FLOOR:
            if refused:
                _log.warning(
                    "edge-tosca: %s: wrong features on %s; running on %s %s instead",
                    bundle.name,
                    _described(refused),
                    backend.name,
                    backend.device,
                )
            return VerifiedBackend(backend, golden)
        finite = bool(np.isfinite(golden).all())
        refused[backend.name, backend.device] = f"cosine {worst:.3f}" if finite else "numbers not finite"
    raise BundleError(
        f"{bundle.path}: no runtime here computes its golden features: {_described(refused)}; "
        "see edge-tosca doctor, or make the bundle again with: edge-tosca export"
    )


def _fallbacks(runtime: str, device: str) -> tuple[tuple[str, str], ...]:
    kind = (runtime, device.split(".")[0])
    if kind == ("openvino", "AUTO"):
        return _FALLBACKS[2:]
    if kind == _FALLBACKS[-1]:
        return (_FALLBACKS[-2],)
    return _FALLBACKS[_FALLBACKS.index(kind) + 1 :] if kind in _FALLBACKS else ()


def _described(refused: dict[tuple[str, str], str]) -> str:
    devices = ", ".join(f"{name} {device} ({reason})" for (name, device), reason in refused.items())
    return f"{devices}, at least {GOLDEN_FLOOR} is required"
