"""What runs a backbone: one picture's pixels in, one feature out."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.bundle import Bundle

RUNTIMES = ("onnxruntime", "openvino")


class Backend(Protocol):
    """A loaded backbone.

    Attributes:
        name: the runtime, "onnxruntime" or "openvino".
        device: the kind of device it runs on, for example "CPU" or "NPU".
    """

    name: str
    device: str

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size], as :class:`Preprocessing` makes it.

        Returns:
            float32 [d].
        """
        ...


def open_backend(
    bundle: Bundle, runtime: str = "onnxruntime", device: str = "CPU", threads: int | None = None
) -> Backend:
    """Load a bundle's backbone into a runtime.

    Args:
        bundle: the verified bundle.
        runtime: "onnxruntime" or "openvino".
        device: "CPU", or with openvino also "GPU", "NPU" or "AUTO".
        threads: processor threads for one picture; None lets the runtime choose.

    Returns:
        The backend.

    Raises:
        EdgeToscaError: the runtime or the device is not available.
        MissingExtraError: openvino is not installed.
    """
    if threads is not None and threads < 1:
        raise EdgeToscaError(f"{threads} threads make no sense; give 1 or more")
    if runtime == "onnxruntime":
        from edge_tosca.runtime.onnxruntime_backend import OnnxRuntimeBackend

        return OnnxRuntimeBackend(bundle, device, threads)
    if runtime == "openvino":
        from edge_tosca.runtime.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(bundle, device, threads)
    raise EdgeToscaError(f"runtime {runtime!r} is not known; available: {', '.join(RUNTIMES)}")
