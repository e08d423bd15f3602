"""Quantize an FP32 graph to INT8 with ONNX Runtime: statically with known ranges, or dynamically."""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_tosca.export.ranges import Ranges
from edge_tosca.runtime.no_telemetry import import_onnxruntime

if TYPE_CHECKING:
    import onnx


def quantize_static(graph: "onnx.ModelProto", ranges: Ranges, float_layers: int = 5) -> "onnx.ModelProto":
    """Quantize a backbone with recorded activation ranges.

    Of a transformer only the matrix products are quantized, since softmax and norms have too wide a range.
    The first depthwise convolutions have few channels of very different ranges: INT8 would cost most of the
    fidelity there, and FP32 costs little time.

    Args:
        graph: the FP32 graph; it is not changed.
        ranges: least and greatest value to represent for every activation.
        float_layers: number of first convolutions that stay in float.

    Returns:
        The INT8 graph in QDQ form.
    """
    import onnx

    import_onnxruntime()
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry

    data = {
        name: TensorData(lowest=np.array(low, np.float32), highest=np.array(high, np.float32))
        for name, (low, high) in ranges.items()
    }
    convolutions = [node.name for node in graph.graph.node if node.op_type == "Conv"]
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    quantizer = QDQQuantizer(
        onnx.shape_inference.infer_shapes(copy),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, data),
        nodes_to_quantize=[],
        nodes_to_exclude=convolutions[:float_layers],
        op_types_to_quantize=["MatMul"] if is_transformer(graph) else list(QDQRegistry),
        extra_options={},
    )
    with quiet_quantizer():
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    return _finished(quantizer.model.model, graph)


def is_transformer(graph: "onnx.ModelProto") -> bool:
    """Return whether a graph has attention."""
    return any(node.op_type == "Softmax" for node in graph.graph.node)


def quantize_dynamic(graph: "onnx.ModelProto") -> "onnx.ModelProto":
    """Quantize a transformer's weights; activations are quantized at run time.

    Args:
        graph: the FP32 graph; it is not changed.

    Returns:
        The INT8 graph.
    """
    import onnx

    import_onnxruntime()
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as folder, quiet_quantizer():
        before, after = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(graph, before)
        quantization.quantize_dynamic(
            before,
            after,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
        )
        return _finished(onnx.load(after), graph)


@contextlib.contextmanager
def quiet_quantizer() -> Iterator[None]:
    """Suppress the quantizer's prints and its advice on pre-processing."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _finished(quantized: Any, graph: "onnx.ModelProto") -> "onnx.ModelProto":
    import onnx

    quantized.ir_version = graph.ir_version
    onnx.checker.check_model(quantized)
    return quantized
