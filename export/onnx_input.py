"""Make the input of an ONNX graph that of every bundle: one float32 picture, channels first."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.onnx_interface import element_type

if TYPE_CHECKING:
    import onnx


def picture_input(model: "onnx.ModelProto", path: Path, size: int) -> str:
    """Fix the only input of a graph to [1, 3, size, size]; one with channels last (NHWC) is transposed.

    Args:
        model: changed in place.
        path: of its file, for the error.
        size: side of the input, pixels.

    Returns:
        The input's name.

    Raises:
        EdgeToscaError: the input is no such picture; the message names the property that differs.
    """
    import onnx

    inner = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in inner]
    if len(inputs) != 1:
        names = ", ".join(item.name for item in inputs) or "none"
        raise EdgeToscaError(
            f"{path}: a backbone has one input, this has {names}; cut the graph before export"
        )
    name, kind = str(inputs[0].name), inputs[0].type.tensor_type
    if not inputs[0].type.HasField("tensor_type"):
        raise EdgeToscaError(f"{path}: its input {name} is no tensor; export the model with a float32 input")
    if kind.elem_type != onnx.TensorProto.FLOAT:
        element = element_type(kind.elem_type)
        raise EdgeToscaError(
            f"{path}: its input {name} has the type {element}, a backbone's is float32; export the float32 "
            "model: edge-tosca scales the pixels and quantizes the graph itself"
        )
    if not kind.HasField("shape") or len(kind.shape.dim) != 4:
        rank = f"{len(kind.shape.dim)} dimensions" if kind.HasField("shape") else "no shape"
        raise EdgeToscaError(
            f"{path}: its input {name} has {rank}, a backbone's has 4: [1, 3, {size}, {size}]; export the "
            "model with an input of a batch of pictures"
        )
    has = [max(0, dimension.dim_value) for dimension in kind.shape.dim]
    required = [1, 3, size, size]
    channels_last = _is_channels_last(has)
    if channels_last:
        required = [1, size, size, 3]
    _require_size(path, name, has, required)
    for dimension, value in zip(kind.shape.dim, required, strict=True):
        dimension.dim_value = value
    if channels_last:
        _take_channels_first(model, name, size)
    return name


def _is_channels_last(shape: list[int]) -> bool:
    """Return whether a shape [batch, ...] with 0 for a free dimension is of a picture with channels last."""
    return shape[3] == 3 and shape[1] != 3


def _require_size(path: Path, name: str, has: list[int], required: list[int]) -> None:
    """Raise, naming the property, if an input of four dimensions cannot be made the required one."""
    shape = f"{has} (0: free)" if 0 in has else f"{has}"
    channels, sides = (3, (1, 2)) if required[3] == 3 else (1, (2, 3))
    if has[0] > 1:
        raise EdgeToscaError(
            f"{path}: its input {name} takes a batch of {has[0]} pictures, a device computes one at a time; "
            "export the model with a batch of 1 or a free one"
        )
    if has[channels] not in (0, 3):
        raise EdgeToscaError(
            f"{path}: its input {name} is {shape}, neither the layout NCHW nor NHWC of a picture with 3 "
            "channels; export the model for RGB pictures"
        )
    height, width = (has[side] for side in sides)
    if height and width and height != width:
        raise EdgeToscaError(
            f"{path}: its input {name} is not square: {shape}; export the model for square pictures"
        )
    side, size = height or width, required[sides[0]]
    if side not in (0, size):
        raise EdgeToscaError(
            f"{path}: its input {name} takes pictures of {side} x {side} pixels, --size is {size}; "
            f"give its input size with --size {side}"
        )


def _take_channels_first(model: "onnx.ModelProto", name: str, size: int) -> None:
    """Transpose the input of a graph with channels last, so that it takes them first as every bundle does."""
    import onnx

    graph = model.graph
    taken = {tensor for node in graph.node for tensor in (*reads_of(node), *node.output)}
    last = next(spare for number in itertools.count() if (spare := f"{name}_nhwc_{number}") not in taken)
    for node in graph.node:
        _rename(node, name, last)
    graph.node.insert(0, onnx.helper.make_node("Transpose", [name], [last], perm=[0, 2, 3, 1]))
    (entry,) = (item for item in graph.input if item.name == name)
    for dimension, value in zip(entry.type.tensor_type.shape.dim, (1, 3, size, size), strict=True):
        dimension.dim_value = value


def _rename(node: Any, name: str, new: str) -> None:
    """Rename an input of a node, and of the nodes of its inner graphs, which see the outer tensors."""
    node.input[:] = [new if one == name else one for one in node.input]
    for attribute in node.attribute:
        for inner in [attribute.g] if attribute.HasField("g") else []:
            for each in inner.node:
                _rename(each, name, new)


def reads_of(node: Any) -> list[str]:
    """Return the tensors that a node and the nodes of its inner graphs read."""
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*node.input, *(name for graph in inner for each in graph.node for name in reads_of(each))]
