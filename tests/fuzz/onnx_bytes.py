"""Write ONNX files field by field, as no tool that checks them would, and without the package onnx."""

from collections.abc import Iterable, Sequence

import numpy as np

FLOAT, UINT8, INT64, STRING, FLOAT16 = 1, 2, 7, 8, 10

_TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64, np.dtype(np.uint8): UINT8}
_AN_INT, _A_TEXT, _A_TENSOR, _A_GRAPH, _INTS = 2, 3, 4, 5, 7


def field(number: int, value: int | bytes | str) -> bytes:
    """One field of a protobuf message: a varint, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(number: int) -> bytes:
    """A number in groups of seven bits."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def tensor(name: str, values: np.ndarray) -> bytes:
    """A tensor with its values."""
    values = np.asarray(values)
    sizes = b"".join(field(1, size) for size in values.shape)
    return sizes + field(2, _TYPES[values.dtype]) + field(8, name) + field(9, values.tobytes())


def value(name: str, element: int, shape: Sequence[int | str | None]) -> bytes:
    """An input or output; a dimension is a size, the name of a free one, or None for neither."""
    sizes = b"".join(
        field(1, b"" if size is None else field(2 if isinstance(size, str) else 1, size)) for size in shape
    )
    return field(1, name) + field(2, field(1, field(1, element) + field(2, sizes)))


def node(operator: str, inputs: Iterable[str], outputs: Iterable[str], **attributes: object) -> bytes:
    """A node of ONNX's own operators; an attribute of bytes is a graph."""
    made = b"".join(field(1, name) for name in inputs) + b"".join(field(2, name) for name in outputs)
    return made + field(4, operator) + b"".join(field(5, _attribute(*item)) for item in attributes.items())


def _attribute(name: str, given: object) -> bytes:
    kinds = {int: (3, _AN_INT), str: (4, _A_TEXT), bytes: (6, _A_GRAPH)}
    if isinstance(given, np.ndarray):
        return field(1, name) + field(5, tensor("", given)) + field(20, _A_TENSOR)
    if isinstance(given, list):
        return field(1, name) + b"".join(field(8, number) for number in given) + field(20, _INTS)
    number, kind = kinds[type(given)]
    return field(1, name) + field(number, given) + field(20, kind)


def graph(
    nodes: Iterable[bytes], inputs: Iterable[bytes], outputs: Iterable[bytes], weights: Iterable[bytes] = ()
) -> bytes:
    """A graph."""
    parts = ((1, nodes), (5, weights), (11, inputs), (12, outputs))
    return field(2, "graph") + b"".join(field(number, one) for number, many in parts for one in many)


def model(inner: bytes, opset: int = 17) -> bytes:
    """An ONNX file."""
    return field(1, 8) + field(8, field(1, "") + field(2, opset)) + field(7, inner)
