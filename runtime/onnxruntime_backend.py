"""Run a backbone with ONNX Runtime on the processor."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.backend import Inference, feature_of, run_error
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.hardware import processor
from edge_tosca.runtime.manifest import BACKBONE, REMEDY
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.outputs import joined, output_names
from edge_tosca.runtime.session_options import session_options
from edge_tosca.runtime.stream import in_order, processors


class OnnxRuntimeBackend:
    """ONNX Runtime's CPU execution provider.

    Args:
        bundle: the verified bundle.
        device: must be "CPU".
        threads: intra-operator threads; None for one a physical core.

    Raises:
        EdgeToscaError: another device is requested.
        BundleError: the installed onnxruntime cannot run the graph.
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
        self._workers = threads or processors()
        options = session_options()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = threads or 0
        # Spinning threads would take the cores from the threads that decode the next pictures. Without
        # spinning 300 pictures take 1.3 s instead of 2.1 s on two cores, and a device stays cooler.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # The file was checked as ONNX; by its first bytes it could be loaded as another format, too.
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
        self._path, self._width = bundle.path / BACKBONE, bundle.feature_dim
        # Only the outputs that are needed: a graph may have more.
        self._outputs = output_names([out.name for out in self._session.get_outputs()], bundle)

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size].

        Returns:
            float32 [d].

        Raises:
            BundleError: the graph cannot be run on this picture.
        """
        try:
            found = self._session.run(self._outputs, {self._input: pixels})
        except Exception as error:
            raise run_error(error, self.name, self._path) from error
        return feature_of(joined(found), self._width, self._path)

    def stream(self, pictures: Iterable[NDArray[np.float32]]) -> Generator[Inference]:
        """Compute the features of many pictures, each on one thread.

        The threads share the session. One thread for each picture has less overhead than all threads on one
        picture: on two cores 1.4 ms a picture instead of 1.7 (`docs/runtimes.md`).

        Args:
            pictures: float32 [1, 3, size, size] each.

        Yields:
            One result a picture, in the order of the pictures, with the feature that `features` computes.
        """
        if self._workers == 1:
            yield from map(self._timed, pictures)
            return
        with ThreadPoolExecutor(self._workers, thread_name_prefix="backbone") as pool:

            def start(pixels: NDArray[np.float32]) -> Callable[[], Inference]:
                return pool.submit(self._timed, pixels).result

            # One more than there are threads, so that no thread waits for the results to be consumed.
            yield from in_order(pictures, start, self._workers + 1)

    def _timed(self, pixels: NDArray[np.float32]) -> Inference:
        start = time.perf_counter()
        feature = self.features(pixels)
        return Inference(feature, 1e3 * (time.perf_counter() - start))
