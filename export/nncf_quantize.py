"""Quantize an FP32 graph to INT8 with NNCF, for ONNX Runtime or for OpenVINO."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.export.quantize import is_transformer, quiet_quantizer
from edge_tosca.export.recipe import Recipe
from edge_tosca.runtime.no_telemetry import block_openvino_telemetry, import_openvino

if TYPE_CHECKING:
    import onnx


def quantize_for_openvino(
    graph: "onnx.ModelProto", recipe: Recipe, inputs: Sequence[NDArray[np.float32]]
) -> tuple[bytes, bytes]:
    """Quantize with NNCF's OpenVINO backend.

    Args:
        graph: the FP32 graph; it is not changed.
        recipe: of the quantization.
        inputs: preprocessed calibration pictures, float32 [1, 3, size, size] each.

    Returns:
        OpenVINO's IR: the XML file and the binary file.
    """
    openvino = import_openvino()
    model = openvino.Core().read_model(graph.SerializeToString())
    convolutions = [
        node.get_friendly_name() for node in model.get_ordered_ops() if "Convolution" in node.get_type_name()
    ]
    quantized = _quantize(model, recipe, is_transformer(graph), convolutions, inputs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backbone.xml"
        openvino.save_model(quantized, path, compress_to_fp16=False)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def quantize_onnx(
    graph: "onnx.ModelProto", recipe: Recipe, inputs: Sequence[NDArray[np.float32]]
) -> "onnx.ModelProto":
    """Quantize with NNCF's ONNX backend.

    Args:
        graph: the FP32 graph; it is not changed.
        recipe: of the quantization.
        inputs: preprocessed calibration pictures, float32 [1, 3, size, size] each.

    Returns:
        The INT8 graph in QDQ form.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    convolutions = [node.name for node in graph.graph.node if node.op_type == "Conv"]
    name = graph.graph.input[0].name
    feeds = [{name: pixels} for pixels in inputs]
    quantized: onnx.ModelProto = _quantize(copy, recipe, is_transformer(graph), convolutions, feeds)
    quantized.ir_version = graph.ir_version
    return quantized


def _quantize(
    model: Any, recipe: Recipe, transformer: bool, convolutions: list[str], inputs: Sequence[Any]
) -> Any:
    with _quiet():
        block_openvino_telemetry()
        import nncf
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet

        # NNCF's default is the mean over pictures of their extremes.
        widest = RangeEstimatorParametersSet.MINMAX
        alpha = -1.0 if recipe.smooth_quant is None else recipe.smooth_quant
        float_layers = convolutions[: recipe.float_layers]
        preset = nncf.QuantizationPreset
        return nncf.quantize(
            model,
            nncf.Dataset(list(inputs)),
            subset_size=len(inputs),
            preset=preset.PERFORMANCE if recipe.symmetric else preset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            ignored_scope=nncf.IgnoredScope(names=float_layers) if float_layers else None,
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                activations_range_estimator_params=widest if recipe.widest else None,
                smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=alpha, convolution=-1.0),
            ),
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress NNCF's progress bars, prints and warnings."""
    with quiet_quantizer(), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("nncf").setLevel(logging.ERROR)
        yield
