"""Add earlier levels of a backbone to its graph as further outputs; nodes, weights and first output stay.

A convolutional backbone gets the global averages of its last stages: of each channel count the last tensor
that only convolutions, additions and pools of a window read, which is a block's output. A transformer gets
the [CLS] tokens of the blocks before the last one. Behind a quantized tensor its last DequantizeLinear is
read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_tosca.runtime.parts import FEATURES, Part

if TYPE_CHECKING:
    import onnx

MOST_LEVELS = 3
MAP = "feature_map"
"""Name of the output with the last feature map."""

_SUFFIX = "_DequantizeLinear_Output"
_ENDS_A_BLOCK = {"Conv", "Add"}
_AFTER_A_BLOCK = {"Conv", "Add", "AveragePool", "MaxPool"}


@dataclass(frozen=True)
class Level:
    """A tensor of the FP32 graph that becomes a part of the feature.

    Attributes:
        tensor: its name.
        part: name and width of the part.
        tokens: the tensor is [1, n, d], and its first token is the part; otherwise [1, d, h, w], averaged.
    """

    tensor: str
    part: Part
    tokens: bool


@dataclass(frozen=True)
class Levels:
    """What is added to a graph.

    Attributes:
        levels: in the order of the graph.
        map: tensor with the last feature map; empty if there is none.
        map_shape: channels, height and width.
    """

    levels: tuple[Level, ...] = ()
    map: str = ""
    map_shape: tuple[int, ...] = ()


def find_levels(graph: "onnx.ModelProto", family: str) -> Levels:
    """Find the levels of a backbone.

    Args:
        graph: FP32, input of a fixed size, output "features".
        family: "cnn" or "vit".

    Returns:
        The levels; none where the graph has no blocks that are known here.
    """
    import onnx

    inferred = onnx.shape_inference.infer_shapes(graph).graph
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in [*inferred.value_info, *inferred.output]
    }
    return _tokens(graph, shapes) if family == "vit" else _averages(graph, shapes)


def add_levels(graph: "onnx.ModelProto", found: Levels) -> "onnx.ModelProto":
    """Add outputs to a graph.

    Args:
        graph: FP32 or quantized by ONNX Runtime's scheme, with the tensors of `found`.
        found: from the FP32 graph.

    Returns:
        A copy with more outputs; the graph itself where nothing was found.
    """
    import onnx

    if not found.levels:
        return graph
    more = onnx.ModelProto()
    more.CopyFrom(graph)
    made = {name for node in more.graph.node for name in node.output}
    value = onnx.helper.make_tensor_value_info
    for level in found.levels:
        name, width = level.part.name, level.part.width
        source = _read(level.tensor, made)
        if level.tokens:
            first = f"{name}_first"
            more.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0, np.int64), first))
            node = onnx.helper.make_node("Gather", [source, first], [name], name=name, axis=1)
            shape = [1, width]
        else:
            node = onnx.helper.make_node("GlobalAveragePool", [source], [name], name=name)
            shape = [1, width, 1, 1]
        more.graph.node.append(node)
        more.graph.output.append(value(name, onnx.TensorProto.FLOAT, shape))
    if found.map:
        more.graph.node.append(onnx.helper.make_node("Identity", [_read(found.map, made)], [MAP], name=MAP))
        more.graph.output.append(value(MAP, onnx.TensorProto.FLOAT, [1, *found.map_shape]))
    onnx.checker.check_model(more)
    return more


def has_levels(graph: "onnx.ModelProto", found: Levels) -> bool:
    """Return whether a graph has all tensors that levels are read from; a quantizer may rename them."""
    made = {name for node in graph.graph.node for name in node.output}
    tensors = [*(level.tensor for level in found.levels), *([found.map] if found.map else [])]
    return bool(found.levels) and all(_read(tensor, made) in made for tensor in tensors)


def entries_of(found: Levels, first: int) -> dict[str, object]:
    """Return a manifest's entries for the parts.

    Args:
        found: the levels.
        first: width of the last feature.

    Returns:
        ``feature`` and, where there is one, ``feature_map``; nothing without levels.
    """
    if not found.levels:
        return {}
    parts = [Part(FEATURES, first), *(level.part for level in found.levels)]
    entries: dict[str, object] = {"feature": [{"name": part.name, "width": part.width} for part in parts]}
    if found.map:
        entries["feature_map"] = {"name": MAP, "shape": list(found.map_shape)}
    return entries


def _read(tensor: str, made: set[str]) -> str:
    return tensor + _SUFFIX if tensor + _SUFFIX in made else tensor


def _averages(graph: "onnx.ModelProto", shapes: dict[str, list[int]]) -> Levels:
    readers: dict[str, set[str]] = {}
    for node in graph.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    spatial = [
        (node, name, shapes[name])
        for node in graph.graph.node
        for name in node.output[:1]
        if len(shapes.get(name, [])) == 4 and min(shapes[name][2:]) > 1
    ]
    if not spatial:
        return Levels()
    _, last, (_, *last_shape) = spatial[-1]
    sums = {node.output[0] for node in graph.graph.node if node.op_type == "Add"}
    found: dict[int, str] = {}
    for node, name, (_, channels, *_) in spatial:
        # A sum, or a projection without an activation, or the activation behind a sum.
        ends = node.op_type in _ENDS_A_BLOCK or (node.op_type == "Relu" and node.input[0] in sums)
        if ends and readers.get(name, set()) <= _AFTER_A_BLOCK and channels != last_shape[0]:
            found.pop(channels, None)
            found[channels] = name
    chosen = list(found.items())[-MOST_LEVELS:]
    levels = tuple(Level(name, Part(f"level_{channels}", channels), False) for channels, name in chosen)
    return Levels(levels, last, tuple(last_shape)) if levels else Levels()


def _tokens(graph: "onnx.ModelProto", shapes: dict[str, list[int]]) -> Levels:
    # The residual stream: a first tensor, and two sums a block, behind attention and behind the network. The
    # last block computes its [CLS] token alone.
    weights = {item.name for item in graph.graph.initializer}
    sums = [
        node for node in graph.graph.node if node.op_type == "Add" and not weights.intersection(node.input)
    ]
    stream = [
        node.output[0]
        for node in sums
        if len(shapes.get(node.output[0], [])) == 3 and shapes[node.output[0]][1] > 1
    ]
    blocks: Sequence[str] = stream[::-1][::2][: MOST_LEVELS - 1][::-1]
    levels = tuple(
        Level(name, Part(f"level_{len(blocks) - place}_before_last", shapes[name][2]), True)
        for place, name in enumerate(blocks)
    )
    return Levels(levels)
