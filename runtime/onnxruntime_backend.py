"""Run a backbone with ONNX Runtime on the processor."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.backend import Inference
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.hardware import processor
from edge_tosca.runtime.manifest import BACKBONE, REMEDY
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.session_options import session_options
from edge_tosca.runtime.stream import in_order, processors


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
    graph: tuple[str, ...] = (BACKBONE,)

    def __init__(self, bundle: Bundle, device: str = "CPU", threads: int | None = None) -> None:
        self.device = device.upper()
        if self.device != "CPU":
            raise EdgeToscaError(
                f"onnxruntime runs on the CPU here, not on {device}; "
                "for GPU, NPU or AUTO use --runtime openvino"
            )
        onnxruntime = import_onnxruntime()
        self.version: str = onnxruntime.__version__
        self.hardware = processor()
        self._callers = threads or processors()
        options = session_options()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = threads or 0
        # Threads that wait busily would take the cores from the threads that decode the next pictures:
        # 300 pictures in 1.3 s instead of 2.1 s on two cores, and less heat on a device.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # What was looked through is ONNX; by its first bytes the file might pass for another format, too.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.read(BACKBONE), options, providers=["CPUExecutionProvider"]
            )
        except BundleError:
            raise
        except Exception as error:
            reason = str(error).split("\n")[0]
            raise BundleError(
                f"{bundle.path / BACKBONE}: onnxruntime {self.version} cannot run it ({reason}); {REMEDY}"
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

    def stream(self, pictures: Iterable[NDArray[np.float32]]) -> Generator[Inference]:
        """Compute the features of many pictures, one a thread.

        The threads share the session. A picture a thread wastes less than all threads on one picture: on two
        cores 1.4 ms a picture instead of 1.7 (`docs/runtimes.md`).

        Args:
            pictures: float32 [1, 3, size, size] each.

        Yields:
            In the order of the pictures, the features that `features` gives.
        """
        if self._callers == 1:
            yield from map(self._timed, pictures)
            return
        with ThreadPoolExecutor(self._callers, thread_name_prefix="backbone") as pool:

            def start(pixels: NDArray[np.float32]) -> Callable[[], Inference]:
                return pool.submit(self._timed, pixels).result

            # One more than there are threads, so that none waits for the results to be taken.
            yield from in_order(pictures, start, self._callers + 1)

    def _timed(self, pixels: NDArray[np.float32]) -> Inference:
        start = time.perf_counter()
        feature = self.features(pixels)
        return Inference(feature, 1e3 * (time.perf_counter() - start))
