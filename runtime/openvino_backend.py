"""Run a backbone with OpenVINO on an Intel CPU, GPU or NPU."""

from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import cycle
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError, EdgeToscaError
from edge_tosca.runtime.backend import Inference, feature_of, run_error
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.hardware import int8_overflows, processor
from edge_tosca.runtime.manifest import REMEDY
from edge_tosca.runtime.no_telemetry import import_openvino
from edge_tosca.runtime.onnx_interface import ELEMENT_TYPES, Interface, TensorType, require_tensors
from edge_tosca.runtime.outputs import joined, output_names
from edge_tosca.runtime.stream import in_order
from edge_tosca.runtime.user_cache import cache_folder

_ELEMENT_TYPES = {"f32": "float32", "string": "string", "f16": "float16", "u8": "uint8", "i64": "int64"}
_LOOP = "Loop"


class OpenVinoBackend:
    """OpenVINO, compiled for low latency or for high throughput.

    The compiled graph is cached in the user's cache directory, since a GPU or an NPU takes many seconds.

    Args:
        bundle: the verified bundle; its OpenVINO graph is preferred to its ONNX graph where it has one.
        device: "CPU", "GPU", "NPU" or "AUTO"; the attribute ``device`` is the one that AUTO chose.
        threads: processor threads; None lets OpenVINO choose.
        hint: "LATENCY" or "THROUGHPUT".
        cached: use the cache of compiled graphs.

    Raises:
        MissingExtraError: openvino is not installed.
        EdgeToscaError: the device is not available.
        BundleError: OpenVINO cannot run the graph.
    """

    name = "openvino"

    def __init__(
        self,
        bundle: Bundle,
        device: str = "CPU",
        threads: int | None = None,
        hint: str = "LATENCY",
        *,
        cached: bool = True,
    ) -> None:
        requested = device.upper()
        openvino = import_openvino()
        core = openvino.Core()
        _check_device(requested, core.available_devices)
        if requested == "AUTO" and int8_overflows() and core.available_devices == ["CPU"]:
            # AUTO does not pass the number of streams on, and there is only one device.
            requested = "CPU"
        self.version: str = openvino.__version__
        self.graph = bundle.graph_files(self.name)
        self._path, self._width = bundle.path / self.graph[0], bundle.feature_dim
        settings = _settings(requested, threads, hint, cached)
        try:
            model = _model(core, openvino, bundle)
            self._compiled = core.compile_model(model, requested, settings)
            self.device = _kind(requested, self._compiled)
        except BundleError:
            raise
        except Exception as error:
            reason = str(error).strip().split("\n")[-1]
            raise BundleError(
                f"{self._path}: openvino cannot run it on {requested} ({reason}); {REMEDY}"
            ) from error
        self.hardware = _hardware(core, self.device)
        self._outputs = _places(self._compiled.outputs, bundle)
        self._request = self._compiled.create_infer_request()
        self._lock = Lock()

    def features(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute one picture's feature.

        Args:
            pixels: float32 [1, 3, size, size].

        Returns:
            float32 [d].

        Raises:
            BundleError: the graph cannot be run on this picture.
        """
        # A request serves one caller at a time.
        with self._lock:
            try:
                self._request.infer([pixels])
                out = self._feature(self._request)
            except Exception as error:
                raise run_error(error, self.name, self._path) from error
            return feature_of(out, self._width, self._path)

    def stream(self, pictures: Iterable[NDArray[np.float32]]) -> Generator[Inference]:
        """Compute the features of many pictures, with enough requests to keep the device busy.

        Args:
            pictures: float32 [1, 3, size, size] each.

        Yields:
            One result a picture, in the order of the pictures, with the feature that `features` computes.
        """
        # One more than the device runs at once, so that it does not wait for the results to be consumed.
        depth = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) + 1
        # Results are consumed in order, so the next request in turn is always a free one.
        turn = cycle([self._compiled.create_infer_request() for _ in range(depth)])

        def start(pixels: NDArray[np.float32]) -> Callable[[], Inference]:
            request = next(turn)
            request.start_async([pixels])

            def finish() -> Inference:
                try:
                    request.wait()
                    out = self._feature(request)
                except Exception as error:
                    raise run_error(error, self.name, self._path) from error
                return Inference(feature_of(out, self._width, self._path), request.latency)

            return finish

        yield from in_order(pictures, start, depth)

    def _feature(self, request: Any) -> NDArray[np.float32]:
        # The tensors are the request's own memory, which the next picture overwrites; `joined` copies.
        return joined([request.get_output_tensor(place).data for place in self._outputs])


def _without_others(model: Any, bundle: Bundle) -> None:
    """Remove the outputs that no part needs: OpenVINO computes all that a model has."""
    if len(bundle.parts) == 1 and not bundle.stands_for:
        return
    needed = _places(model.outputs, bundle)
    for place in sorted(set(range(len(model.outputs))) - set(needed), reverse=True):
        model.remove_result(model.get_results()[place])


def _part_name(output: Any, bundle: Bundle) -> str:
    return next((part.name for part in bundle.parts if part.name in output.get_names()), "")


def _places(outputs: Sequence[Any], bundle: Bundle) -> list[int]:
    """Find the outputs of the bundle's parts; a tensor may have several names."""
    names = [sorted(output.get_names()) for output in outputs]
    wanted = output_names([name for some in names for name in some] or [""], bundle)
    return [next((at for at, some in enumerate(names) if name in some), 0) for name in wanted]


def _check_device(device: str, available: list[str]) -> None:
    kinds = sorted({name.split(".")[0] for name in available} | {"AUTO"})
    if device.split(".")[0] not in kinds:
        raise EdgeToscaError(
            f"openvino has no device {device} here; available: {', '.join(kinds)}; choose one with --device"
        )


def _settings(device: str, threads: int | None, hint: str, cached: bool) -> dict[str, Any]:
    # Processors with bfloat16 would round unquantized values to 8 bits of mantissa: the lowest cosine to
    # ONNX Runtime fell from .9987 to .9952 for 8 % of the time (docs/runtimes.md).
    processor: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if int8_overflows():
        # The int8 kernels yield features of cosine 0.97; float32 kernels compute the same graph, several
        # times slower. With several streams the plugin then compiled a wrong graph in 3 of 14 trials (cosines
        # of 0.2 to 0.6), with one stream in 0 of 94.
        processor |= {"LP_TRANSFORMS_MODE": False, "NUM_STREAMS": 1}
    if threads is not None:
        processor["INFERENCE_NUM_THREADS"] = threads
    settings: dict[str, Any] = {"PERFORMANCE_HINT": hint}
    # Without a cache directory the graph is compiled every time. Where int8 overflows nothing is cached: a
    # wrong graph must not be kept, and a graph compiled to int8 must not be loaded as one in float32.
    if cached and not int8_overflows() and (folder := cache_folder("openvino")) is not None:
        settings["CACHE_DIR"] = str(folder)
    if device == "CPU":
        settings |= processor
    if device == "AUTO":
        settings["DEVICE_PROPERTIES"] = {"CPU": processor}
        # Otherwise the processor computes until the accelerator is ready, and the golden pictures would check
        # a device other than the one that runs later.
        settings["ENABLE_STARTUP_FALLBACK"] = False
        settings["ENABLE_RUNTIME_FALLBACK"] = False
    return settings


def _model(core: Any, openvino: Any, bundle: Bundle) -> Any:
    graph, *weights = bundle.graph_files("openvino")
    size = bundle.preprocessing.size
    if weights:
        numbers = np.frombuffer(bundle.read(weights[0]), dtype=np.uint8)
        model = core.read_model(bundle.read(graph), openvino.Tensor(numbers))
    else:
        model = core.read_model(bundle.read(graph))
    # Of an ONNX graph it is known already; the runtime itself reads its own format.
    _without_others(model, bundle)
    inputs, outputs = ([_tensor(port) for port in ports] for ports in (model.inputs, model.outputs))
    # A tensor may have several names.
    for output, place in zip(outputs, range(len(outputs)), strict=True):
        output.name = _part_name(model.outputs[place], bundle) or output.name
    found = Interface(inputs, outputs)
    parts = bundle.parts if len(bundle.parts) > 1 else ()
    require_tensors(found, bundle.path / graph, size, bundle.feature_dim, parts)
    if any(node.get_type_name() == _LOOP for node in model.get_ops()):
        raise BundleError(f"{bundle.path / graph}: has a loop; refused; use a backbone without loops")
    if model.is_dynamic():
        # An NPU compiles static shapes only, and every inference has batch size 1.
        model.reshape([1, 3, size, size])
    return model


def _tensor(port: Any) -> TensorType:
    kind = str(port.get_element_type().get_type_name())
    name = _ELEMENT_TYPES.get(kind)
    shape = port.get_partial_shape()
    sizes = None
    if not shape.rank.is_dynamic:
        sizes = [None if size.is_dynamic else int(size.get_length()) for size in shape]
    return TensorType(
        port.get_any_name() if port.get_names() else "",
        ELEMENT_TYPES.index(name) if name else -1,
        sizes,
    )


def _kind(requested: str, compiled: Any) -> str:
    if requested != "AUTO":
        return requested
    (first, *_) = compiled.get_property("EXECUTION_DEVICES")
    return str(first).strip("()").split(".")[0]


def _hardware(core: Any, device: str) -> str:
    name = str(core.get_property(device, "FULL_DEVICE_NAME"))
    if device.startswith("CPU"):
        return f"{name} {processor()}"
    if device.startswith("NPU"):
        return f"{name} driver {core.get_property(device, 'NPU_DRIVER_VERSION')}"
    # OpenVINO does not report a GPU's driver version, so a cache entry could not be invalidated.
    return ""
