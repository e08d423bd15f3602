"""What runs a backbone: one picture's pixels in, one feature out."""

from collections.abc import Generator, Iterable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.bundle import Bundle

RUNTIMES = ("onnxruntime", "openvino")
HINTS = ("LATENCY", "THROUGHPUT")


class Inference(NamedTuple):
    """One picture's way through the backbone.

    Attributes:
        feature: float32 [d].
        milliseconds: what the inference took, without waiting for its turn.
    """

    feature: NDArray[np.float32]
    milliseconds: float


class Backend(Protocol):
    """A loaded backbone.

    Attributes:
        name: the runtime, "onnxruntime" or "openvino".
        device: the kind of device it runs on, for example "CPU" or "NPU".
        version: the runtime's.
        graph: names the bundle's files that run, in the order in which they are read.
        hardware: names the processor or the device with its driver; empty where the driver is not told.
    """

    name: str
    device: str
    version: str
    graph: tuple[str, ...]
    hardware: str

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size], as :class:`Preprocessing` makes it.

        Returns:
            float32 [d].
        """
        ...

    def stream(self, pictures: Iterable[NDArray[np.float32]]) -> Generator[Inference]:
        """Compute the features of many pictures, several at a time.

        Args:
            pictures: as for ``features``; taken only a little ahead of the results.

        Yields:
            In the order of the pictures, the same features to the last bit.
        """
        ...


def open_backend(
    bundle: Bundle,
    runtime: str = "onnxruntime",
    device: str = "CPU",
    threads: int | None = None,
    hint: str = "LATENCY",
) -> Backend:
    """Load a bundle's backbone into a runtime, faithful or not; see ``open_faithful`` for the former.

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
        raise EdgeToscaError(f"{threads} threads make no sense; give 1 or more")
    if hint not in HINTS:
        raise EdgeToscaError(f"hint {hint!r} is not known; available: {', '.join(HINTS)}")
    if runtime == "onnxruntime":
        from edge_tosca.runtime.onnxruntime_backend import OnnxRuntimeBackend

        return OnnxRuntimeBackend(bundle, device, threads)
    if runtime == "openvino":
        from edge_tosca.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(bundle, device, threads, hint)
    raise EdgeToscaError(f"runtime {runtime!r} is not known; available: {', '.join(RUNTIMES)}")
