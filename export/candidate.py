"""Apply one recipe to a graph: the quantized files, and the inference that a device would run."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_tosca.export.nncf_quantize import quantize_for_openvino, quantize_onnx
from edge_tosca.export.quantize import quantize_dynamic, quantize_static
from edge_tosca.export.ranges import Ranges, extremes, ranges_from
from edge_tosca.export.recipe import Recipe
from edge_tosca.runtime.manifest import BACKBONE
from edge_tosca.runtime.no_telemetry import import_onnxruntime, import_openvino
from edge_tosca.runtime.session_options import session_options

if TYPE_CHECKING:
    import onnx

OPENVINO_MODEL, OPENVINO_WEIGHTS = "openvino/backbone.xml", "openvino/backbone.bin"

Pixels = NDArray[np.float32]
Runner = Callable[[Pixels], NDArray[np.float32]]
"""Maps one preprocessed picture, float32 [1, 3, size, size], to its feature, float32 [d]."""


@dataclass(frozen=True)
class Quantized:
    """The result of one recipe.

    Attributes:
        recipe: the recipe.
        files: path inside the bundle -> bytes.
        ranges: the activation ranges; None where the tool does not report them.
    """

    recipe: Recipe
    files: dict[str, bytes]
    ranges: Ranges | None = None

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(len(data) for data in self.files.values())

    def open(self, runtime: str = "") -> Runner:
        """Load the files into a runtime, on one thread.

        Args:
            runtime: "onnxruntime", or "openvino", which runs both kinds of graphs; by default the
                recipe's own.
        """
        if runtime == "openvino":
            return _openvino_runner(self.files)
        return open_runner(self.files)

    def for_openvino(self) -> dict[str, bytes]:
        """Convert an ONNX graph to OpenVINO's format, for a bundle in which ONNX Runtime runs another graph.

        Returns:
            Path inside the bundle -> bytes.
        """
        openvino = import_openvino()
        model = openvino.Core().read_model(self.files[BACKBONE])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "backbone.xml"
            openvino.save_model(model, path, compress_to_fp16=False)
            return {
                OPENVINO_MODEL: path.read_bytes(),
                OPENVINO_WEIGHTS: path.with_suffix(".bin").read_bytes(),
            }


class Workbench:
    """An FP32 graph and the calibration pictures; values that several recipes need are computed once.

    Args:
        graph: the FP32 graph.
        inputs: preprocessed pictures, float32 [1, 3, size, size] each.
    """

    def __init__(self, graph: "onnx.ModelProto", inputs: Sequence[Pixels]) -> None:
        self.graph = graph
        self.inputs = inputs

    @cached_property
    def _extremes(self) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
        return extremes(self.graph, self.inputs)

    def quantize(self, recipe: Recipe) -> Quantized:
        """Quantize the graph with a recipe.

        Args:
            recipe: the recipe.

        Returns:
            The quantized files.
        """
        if recipe.tool == "nncf-openvino":
            model, weights = quantize_for_openvino(self.graph, recipe, self.inputs)
            return Quantized(recipe, {OPENVINO_MODEL: model, OPENVINO_WEIGHTS: weights})
        if recipe.tool == "ort-static":
            ranges = ranges_from(*self._extremes, widest=recipe.widest)
            graph = quantize_static(self.graph, ranges, recipe.float_layers)
            return Quantized(recipe, {BACKBONE: graph.SerializeToString()}, ranges)
        dynamic = recipe.tool == "ort-dynamic"
        graph = quantize_dynamic(self.graph) if dynamic else quantize_onnx(self.graph, recipe, self.inputs)
        return Quantized(recipe, {BACKBONE: graph.SerializeToString()})


def open_runner(files: dict[str, bytes]) -> Runner:
    """Load a backbone's files as `edge_tosca.runtime` does, on one thread and without a cache.

    Args:
        files: path inside the bundle -> bytes; OpenVINO's graph is preferred where there is one.

    Returns:
        The runner.
    """
    return _openvino_runner(files) if OPENVINO_MODEL in files else _onnxruntime_runner(files[BACKBONE])


def _onnxruntime_runner(graph: bytes) -> Runner:
    onnxruntime = import_onnxruntime()
    options = session_options()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: np.asarray(session.run(None, {name: pixels})[0], np.float32).reshape(-1)


def _openvino_runner(files: dict[str, bytes]) -> Runner:
    openvino = import_openvino()
    core = openvino.Core()
    if OPENVINO_MODEL in files:
        weights = openvino.Tensor(np.frombuffer(files[OPENVINO_WEIGHTS], np.uint8))
        model = core.read_model(files[OPENVINO_MODEL], weights)
    else:
        model = core.read_model(files[BACKBONE])
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    compiled = core.compile_model(model, "CPU", settings)
    request = compiled.create_infer_request()

    def run(pixels: Pixels) -> NDArray[np.float32]:
        request.infer([pixels])
        return np.array(request.get_output_tensor(0).data, dtype=np.float32).reshape(-1)

    return run
