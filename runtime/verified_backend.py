"""Open a backend whose golden features are right, or the next one that is."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden import GOLDEN_FLOOR, cosines_to_golden
from edge_tosca.runtime.golden_cache import remembered_golden_features
from edge_tosca.runtime.open_backend import open_backend

_log = logging.getLogger("edge_tosca")

_CHAIN = (("openvino", "NPU"), ("openvino", "GPU"), ("openvino", "CPU"), ("onnxruntime", "CPU"))


class VerifiedBackend(NamedTuple):
    """A backend that was seen to compute what the bundle's maker recorded.

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
    """Load a bundle's backbone, and refuse a device whose golden features are off.

    A refused device gives way to the next one of OpenVINO's NPU, GPU and CPU and ONNX Runtime's CPU that is
    there and right, with one line of warning; after ONNX Runtime's CPU comes OpenVINO's. What AUTO chose
    gives way to the CPU.

    Args:
        bundle: the verified bundle.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", "GPU", "NPU" or "AUTO".
        threads: processor threads; None lets the runtime choose.
        hint: "LATENCY" or "THROUGHPUT".

    Returns:
        The backend and its golden features.

    Raises:
        EdgeToscaError: the runtime or the device that was asked for is not available.
        BundleError: no runtime here gives the golden features.
    """
    refused: dict[tuple[str, str], float] = {}
    for name, kind in ((runtime, device.upper()), *_after(runtime, device.upper())):
        try:
            backend = open_backend(bundle, name, kind, threads, hint)
        except EdgeToscaError:
            if not refused:
                raise
            continue
        if (backend.name, backend.device) in refused:
            continue
        golden = remembered_golden_features(bundle, backend)
        worst = min(cosines_to_golden(bundle, golden))
        if worst >= GOLDEN_FLOOR:
            if refused:
                _log.warning(
                    "edge-tosca: %s: wrong features on %s; running on %s %s instead",
                    bundle.name,
                    _words(refused),
                    backend.name,
                    backend.device,
                )
            return VerifiedBackend(backend, golden)
        refused[backend.name, backend.device] = worst
    raise BundleError(
        f"{bundle.path}: nothing here computes its golden features: {_words(refused)}; "
        "see edge-tosca doctor, or make the bundle again with: edge-tosca export"
    )


def _after(runtime: str, device: str) -> tuple[tuple[str, str], ...]:
    kind = (runtime, device.split(".")[0])
    if kind == ("openvino", "AUTO"):
        return _CHAIN[2:]
    if kind == _CHAIN[-1]:
        return (_CHAIN[-2],)
    return _CHAIN[_CHAIN.index(kind) + 1 :] if kind in _CHAIN else ()


def _words(refused: dict[tuple[str, str], float]) -> str:
    devices = ", ".join(f"{name} {device} (cosine {worst:.3f})" for (name, device), worst in refused.items())
    return f"{devices}, at least {GOLDEN_FLOOR} is right"
