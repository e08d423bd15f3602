"""Load a bundle's backbone into a runtime."""

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.backend import HINTS, RUNTIMES, Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.onnxruntime_backend import OnnxRuntimeBackend


def open_backend(
    bundle: Bundle,
    runtime: str = "onnxruntime",
    device: str = "CPU",
    threads: int | None = None,
    hint: str = "LATENCY",
) -> Backend:
    """Load a bundle's backbone into a runtime, without checking its features; see ``open_verified``.

    Args:
        bundle: the verified bundle.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", or with openvino also "GPU", "NPU" or "AUTO".
        threads: processor threads for one picture; None lets the runtime choose.
        hint: "LATENCY" for pictures one at a time, "THROUGHPUT" for streams of them.

    Returns:
        The backend.

    Raises:
        EdgeToscaError: the runtime or the device is not available.
        MissingExtraError: openvino is not installed.
    """
    if threads is not None and threads < 1:
        raise EdgeToscaError(f"threads must be 1 or more, not {threads}")
    if hint not in HINTS:
        raise EdgeToscaError(f"hint {hint!r} is not known; available: {', '.join(HINTS)}")
    if runtime == "onnxruntime":
        return OnnxRuntimeBackend(bundle, device, threads)
    if runtime == "openvino":
        from edge_tosca.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(bundle, device, threads, hint)
    raise EdgeToscaError(f"runtime {runtime!r} is not known; available: {', '.join(RUNTIMES)}")
