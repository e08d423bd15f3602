"""Measure the ranges of a graph's activations on pictures."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.runtime.no_telemetry import import_onnxruntime

if TYPE_CHECKING:
    import onnx

Ranges = dict[str, tuple[float, float]]


def extremes(
    graph: "onnx.ModelProto", inputs: Iterable[NDArray[np.float32]]
) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Record the extremes of every activation on every picture.

    Args:
        graph: the FP32 graph.
        inputs: n preprocessed pictures, float32 [1, 3, size, size] each.

    Returns:
        The names of t activations, their least values float32 [n, t] and greatest values float32 [n, t].
    """
    session, names = _open_session(graph)
    rows = []
    for pixels in inputs:
        outputs = [pixels, *session.run(names[1:], {names[0]: pixels})]
        rows.append([(value.min(), value.max()) for value in outputs])
    found = np.array(rows, dtype=np.float32)
    return names, found[:, :, 0], found[:, :, 1]


def ranges_from(
    names: list[str], lows: NDArray[np.float32], highs: NDArray[np.float32], *, widest: bool = False
) -> Ranges:
    """Choose the range of every activation from its extremes on each picture.

    With the mean over pictures of their extremes a single outlier does not coarsen the steps for all other
    pictures; the few values outside the range saturate.

    Args:
        names: of t activations.
        lows: float32 [n, t], the least values on n pictures.
        highs: float32 [n, t], the greatest values.
        widest: use the extremes over all pictures instead.

    Returns:
        Least and greatest value to represent for every activation.
    """
    low, high = (lows.min(axis=0), highs.max(axis=0)) if widest else (lows.mean(axis=0), highs.mean(axis=0))
    return {name: (_recordable(low[i]), _recordable(high[i])) for i, name in enumerate(names)}


def _recordable(value: np.float32) -> float:
    # Six digits, as in the manifest, so that a rebuild from it is byte-identical.
    return float(f"{value:.6g}")


def _open_session(graph: "onnx.ModelProto") -> tuple[Any, list[str]]:
    import onnx

    probe = onnx.ModelProto()
    probe.CopyFrom(graph)
    names = [output for node in probe.graph.node for output in node.output]
    known = {output.name for output in probe.graph.output}
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    # Fusion would remove intermediate activations.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        probe.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session, [graph.graph.input[0].name, *names]
