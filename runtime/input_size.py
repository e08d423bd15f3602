"""Set the side of an ONNX graph's input, before a runtime compiles the graph.

Convolutions and global averages have no size of their own, so one file can serve several. The sizes that an
exporter wrote down are those of one input: this file changes the input's, and removes those of what is
computed from it, which a runtime infers.
"""

from collections.abc import Callable
from pathlib import Path

from edge_tosca.errors import BundleError
from edge_tosca.runtime.manifest import REMEDY
from edge_tosca.runtime.protobuf_wire import BYTES, VARINT, WireReader, field_bytes

# Field numbers of onnx.proto: from the model to an input's or output's dimensions.
_GRAPH = 7
_INPUT, _OUTPUT, _INTERMEDIATE = 11, 12, 13
_TYPE, _TENSOR_TYPE, _SHAPE, _DIMENSION, _SIZE = 2, 1, 2, 1, 1
_TO_SHAPE = (_TYPE, _TENSOR_TYPE, _SHAPE)
_RANK = 4


def resized(data: bytes, path: Path, old: int, new: int) -> bytes:
    """Return a graph for pictures of another size.

    Args:
        data: bytes of the ONNX file.
        path: of the file, for the error.
        old: side of its input, pixels.
        new: side that its input shall have, pixels.

    Returns:
        The same nodes and numbers: an input [1, 3, old, old] is [1, 3, new, new], height and width of
        four-dimensional outputs are free where they are above 1, and no other tensor has a recorded shape.

    Raises:
        BundleError: the file is malformed, or its input is not of the old size.
    """
    if old == new:
        return data
    found: list[int] = []

    def of_input(place: int, size: int | None) -> bytes:
        if place < _RANK - 2:
            return _dimension(size)
        found.append(size or 0)
        return _dimension(new)

    def of_output(place: int, size: int | None) -> bytes:
        return _dimension(size if place < _RANK - 2 or size == 1 else None)

    reader = WireReader()

    def graph(value: memoryview) -> bytes:
        out = []
        for entry in reader.fields(value):
            number, _, inner = entry
            if number == _INTERMEDIATE:
                continue
            rule = {_INPUT: of_input, _OUTPUT: of_output}.get(number)
            if rule is not None and isinstance(inner, memoryview):
                out.append(field_bytes(number, BYTES, _with_shape(reader, inner, _TO_SHAPE, rule)))
            else:
                out.append(field_bytes(*entry))
        return b"".join(out)

    try:
        model = b"".join(
            field_bytes(number, kind, graph(value) if number == _GRAPH else value)
            if isinstance(value, memoryview)
            else field_bytes(number, kind, value)
            for number, kind, value in reader.fields(memoryview(data))
        )
    except (ValueError, IndexError):
        raise BundleError(f"{path}: not a sound ONNX file; {REMEDY}") from None
    if found != [old, old]:
        raise BundleError(
            f"{path}: its input is not one picture of {old} pixels, so it cannot be resized; {REMEDY}"
        )
    return model


def _with_shape(
    reader: WireReader, data: memoryview, way: tuple[int, ...], rule: Callable[[int, int | None], bytes]
) -> bytes:
    """Rewrite the dimensions of the shape that lies at the end of the way; keep every other field."""
    fields = reader.fields(data)
    if not way:
        sizes = [
            _size_of(reader, value)
            for number, _, value in fields
            if number == _DIMENSION and isinstance(value, memoryview)
        ]
        if len(sizes) != _RANK:
            return bytes(data)
        return b"".join(field_bytes(_DIMENSION, BYTES, rule(place, size)) for place, size in enumerate(sizes))
    return b"".join(
        field_bytes(number, kind, _with_shape(reader, value, way[1:], rule))
        if number == way[0] and isinstance(value, memoryview)
        else field_bytes(number, kind, value)
        for number, kind, value in fields
    )


def _size_of(reader: WireReader, data: memoryview) -> int | None:
    sizes = [value for number, _, value in reader.fields(data) if number == _SIZE and isinstance(value, int)]
    return sizes[-1] if sizes else None


def _dimension(size: int | None) -> bytes:
    return b"" if size is None else field_bytes(_SIZE, VARINT, size)
