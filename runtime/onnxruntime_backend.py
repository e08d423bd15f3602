"""Run a backbone with ONNX Runtime on the processor."""

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import BACKBONE, REMEDY
from edge_tosca.runtime.telemetry import import_onnxruntime

_ERRORS_ONLY = 3


class OnnxRuntimeBackend:
    """ONNX Runtime's CPU execution provider.

    Args:
        bundle: the verified bundle.
        device: must be "CPU".
        threads: intra-operator threads; None for one a physical core.

    Raises:
        EdgeToscaError: another device was asked for.
        BundleError: the graph cannot be run by the installed onnxruntime.
    """

    name = "onnxruntime"

    def __init__(self, bundle: Bundle, device: str = "CPU", threads: int | None = None) -> None:
        self.device = device.upper()
        if self.device != "CPU":
            raise EdgeToscaError(
                f"onnxruntime runs on the CPU here, not on {device}; "
                "for GPU, NPU or AUTO use --runtime openvino"
            )
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = threads or 0
        # Threads that wait busily would take the cores from the threads that decode the next pictures:
        # 300 pictures in 1.3 s instead of 2.1 s on two cores, and less heat on a device.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.read(BACKBONE), options, providers=["CPUExecutionProvider"]
            )
        except BundleError:
            raise
        except Exception as error:
            version, reason = onnxruntime.__version__, str(error).split("\n")[0]
            raise BundleError(
                f"{bundle.path / BACKBONE}: onnxruntime {version} cannot run it ({reason}); {REMEDY}"
            ) from error
        self._input = self._session.get_inputs()[0].name

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size].

        Returns:
            float32 [d].
        """
        (out,) = self._session.run(None, {self._input: pixels})
        return np.asarray(out, dtype=np.float32).reshape(-1)
