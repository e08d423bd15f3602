"""Compare an ONNX file's inputs and outputs with its bundle's manifest, before a runtime loads the file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge_tosca.errors import BundleError
from edge_tosca.runtime.manifest import REMEDY
from edge_tosca.runtime.parts import Part
from edge_tosca.runtime.protobuf_wire import WireReader, text_of

ELEMENT_TYPES = (
    "no type",
    "float32",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "string",
    "bool",
    "float16",
    "float64",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
)
"""Names of ONNX's element types by their number."""

# Field numbers of onnx.proto.
_GRAPH = 7
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12
_TENSOR_NAME = 8
_NAME, _TYPE = 1, 2
_TENSOR_TYPE = 1
_ELEMENT, _SHAPE = 1, 2
_DIMENSION = 1
_SIZE, _SIZE_NAME = 1, 2


def element_type(number: int) -> str:
    """Return the name of an element type by its number in ONNX."""
    return ELEMENT_TYPES[number] if 0 <= number < len(ELEMENT_TYPES) else "of another type"


@dataclass
class TensorType:
    """An input or output of a graph.

    Attributes:
        name: of the tensor.
        element: its element type, an index into ELEMENT_TYPES; -1 for sequences, maps and the like.
        shape: its dimensions, None for each that is free; None without a shape.
    """

    name: str = ""
    element: int = 0
    shape: list[int | None] | None = None

    def __str__(self) -> str:
        """Describe type and shape, as in "float32 [1, 3, free, free]"."""
        name = element_type(self.element)
        if self.shape is None:
            return f"{name} without a shape"
        return f"{name} [{', '.join('free' if size is None else str(size) for size in self.shape)}]"

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether the tensor is float32, of this shape where it is not free."""
        if self.element != ELEMENT_TYPES.index("float32") or self.shape is None:
            return False
        return len(self.shape) == len(shape) and all(
            have in (None, want) for have, want in zip(self.shape, shape, strict=True)
        )


@dataclass
class Interface:
    """Inputs and outputs of a graph.

    Attributes:
        inputs: without those that have a stored value.
        outputs: all.
    """

    inputs: list[TensorType] = field(default_factory=list)
    outputs: list[TensorType] = field(default_factory=list)


def read_interface(data: bytes) -> Interface:
    """Read the inputs and outputs of an ONNX file.

    Args:
        data: the file's bytes.

    Returns:
        Its inputs, without those that have a stored value, and its outputs.

    Raises:
        ValueError: the file is malformed.
        IndexError: the file ends within a field.
    """
    reader, found = WireReader(), Interface()
    named: list[tuple[list[bytes], TensorType]] = []
    stored: set[bytes] = set()
    # A field that occurs again is merged by protobuf, so every occurrence is read.
    for graph in _messages(reader, memoryview(data), _GRAPH):
        for number, _, value in reader.fields(graph):
            if not isinstance(value, memoryview):
                continue
            if number == _INPUT:
                names = [bytes(name) for name in _messages(reader, value, _NAME)]
                named.append((names, _tensor(reader, value)))
            elif number == _OUTPUT:
                found.outputs.append(_tensor(reader, value))
            elif number == _INITIALIZER:
                stored.update(map(bytes, _messages(reader, value, _TENSOR_NAME)))
    found.inputs += [tensor for names, tensor in named if names[-1:] == [] or names[-1] not in stored]
    return found


def require_interface(
    data: bytes, path: Path, size: int, feature_dim: int, parts: Sequence[Part] = ()
) -> None:
    """Raise if an ONNX file has other inputs and outputs than the manifest says.

    Args:
        data: the file's bytes.
        path: of the file, for the error.
        size: side of the input, pixels.
        feature_dim: length d of a feature.
        parts: that the manifest lists, each an output of the graph; one output without several parts.

    Raises:
        BundleError: its input is not one float32 [1, 3, size, size], its output not one float32 [1, d], or
            the output of a part is missing or of another width.
    """
    try:
        found = read_interface(data)
    except (ValueError, IndexError):
        raise BundleError(f"{path}: not a sound ONNX file; {REMEDY}") from None
    require_tensors(found, path, size, feature_dim, parts)


def require_tensors(
    found: Interface, path: Path, size: int, feature_dim: int, parts: Sequence[Part] = ()
) -> None:
    """Raise if a graph has other inputs and outputs than the manifest says; as `require_interface`.

    Args:
        found: the graph's inputs and outputs.
        path: of the file, for the error.
        size: side of the input, pixels.
        feature_dim: length d of a feature.
        parts: that the manifest lists.

    Raises:
        BundleError: they differ.
    """
    _require("input", found.inputs, (1, 3, size, size), path)
    if len(parts) > 1:
        _require_parts(found.outputs, parts, path)
        return
    # A pooled feature may keep the two dimensions of the picture, each of length 1.
    pooled = len(found.outputs) == 1 and len(found.outputs[0].shape or ()) == 4
    shape = (1, feature_dim, 1, 1) if pooled else (1, feature_dim)
    _require("output", found.outputs, shape, path)


def _require_parts(outputs: list[TensorType], parts: Sequence[Part], path: Path) -> None:
    """Raise if a part has no output of its name and width; a graph may have further outputs."""
    for part in parts:
        named = [tensor for tensor in outputs if tensor.name == part.name]
        if not named:
            raise BundleError(f"{path}: its graph has no output {part.name!r:.40}; {REMEDY}")
        pooled = len(named[0].shape or ()) == 4
        _require("output", named, (1, part.width, 1, 1) if pooled else (1, part.width), path)


def _require(what: str, tensors: list[TensorType], shape: tuple[int, ...], path: Path) -> None:
    required = f"float32 {list(shape)}"
    if len(tensors) != 1:
        names = ", ".join(f"{tensor.name!r:.40}" for tensor in tensors[:4])
        has = f"{len(tensors)} {what}s ({names})" if tensors else f"no {what}"
        raise BundleError(f"{path}: has {has}; a backbone has one, {required} by its manifest; {REMEDY}")
    (tensor,) = tensors
    if not tensor.fits(shape):
        raise BundleError(
            f"{path}: its {what} {tensor.name!r:.40} is {tensor}, by its manifest it is {required}; {REMEDY}"
        )


def _tensor(reader: WireReader, data: memoryview) -> TensorType:
    tensor = TensorType()
    for number, _, value in reader.fields(data):
        if isinstance(value, memoryview):
            if number == _NAME:
                tensor.name = text_of(value)
            elif number == _TYPE:
                _add_type(reader, value, tensor)
    return tensor


def _add_type(reader: WireReader, data: memoryview, tensor: TensorType) -> None:
    for number, _, value in reader.fields(data):
        if not isinstance(value, memoryview):
            continue
        if number != _TENSOR_TYPE:
            tensor.element = -1
            continue
        for inner, _, entry in reader.fields(value):
            if inner == _ELEMENT and isinstance(entry, int) and tensor.element >= 0:
                tensor.element = entry
            elif inner == _SHAPE and isinstance(entry, memoryview):
                sizes = [_size(reader, part) for part in _messages(reader, entry, _DIMENSION)]
                tensor.shape = [*(tensor.shape or []), *sizes]


def _size(reader: WireReader, data: memoryview) -> int | None:
    size = None
    for number, _, value in reader.fields(data):
        if number == _SIZE and isinstance(value, int):
            # Above 2^63 it is a negative number, which exporters write for a free dimension, as they do 0.
            size = value if 0 < value < 1 << 63 else None
        elif number == _SIZE_NAME:
            size = None
    return size


def _messages(reader: WireReader, data: memoryview, wanted: int) -> list[memoryview]:
    return [
        value
        for number, _, value in reader.fields(data)
        if number == wanted and isinstance(value, memoryview)
    ]
