"""Load a bundle's backbone into a runtime."""

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.backend import HINTS, RUNTIMES, Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.no_telemetry import import_onnxruntime, import_openvino
from edge_tosca.runtime.onnxruntime_backend import OnnxRuntimeBackend
from edge_tosca.runtime.trial import require_trial


def open_backend(
    bundle: Bundle,
    runtime: str = "onnxruntime",
    device: str = "CPU",
    threads: int | None = None,
    hint: str = "LATENCY",
) -> Backend:
    """Load a bundle's backbone into a runtime, without checking its features; see ``open_verified``.

    A bundle other than the built-in one is tried in a process of its own before, once; see ``trial``.

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
        BundleError: the graph cannot be run, or not within the limits of the trial.
    """
    if threads is not None and threads < 1:
        raise EdgeToscaError(f"threads must be 1 or more, not {threads}")
    if hint not in HINTS:
        raise EdgeToscaError(f"hint {hint!r} is not known; available: {', '.join(HINTS)}")
    if runtime == "onnxruntime":
        require_trial(bundle, runtime, device.upper(), import_onnxruntime().__version__)
        return OnnxRuntimeBackend(bundle, device, threads)
    if runtime == "openvino":
        from edge_tosca.runtime.openvino_backend import OpenVinoBackend

        require_trial(bundle, runtime, device.upper(), import_openvino().__version__)
        return OpenVinoBackend(bundle, device, threads, hint)
    raise EdgeToscaError(f"runtime {runtime!r} is not known; available: {', '.join(RUNTIMES)}")
