"""Encode the messages of an ONNX file that an exported model needs; field numbers are those of onnx.proto."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.runtime.onnx_interface import ELEMENT_TYPES
from edge_tosca.runtime.protobuf_wire import BYTES, FOUR, VARINT, field_bytes

Attribute = int | float | tuple[int, ...]
"""Value of a node's attribute."""

_FLOAT, _INT, _INTS = 1, 2, 7
_SIGN = 1 << 64


def element_number(dtype: str) -> int:
    """Return the number of an element type in ONNX.

    Args:
        dtype: its name, as in "float32".
    """
    return ELEMENT_TYPES.index(dtype)


def text_field(number: int, text: str) -> bytes:
    """Encode a text field."""
    return field_bytes(number, BYTES, text.encode())


def tensor(name: str, values: Array) -> bytes:
    """Encode a stored tensor (TensorProto).

    Args:
        name: of the tensor.
        values: of any element type that ONNX has.

    Returns:
        The message.
    """
    # Widths above one byte are little-endian in the file, whatever the processor.
    raw = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    shape = b"".join(_integer(1, size) for size in values.shape)
    kind = field_bytes(2, VARINT, element_number(values.dtype.name))
    return shape + kind + text_field(8, name) + field_bytes(9, BYTES, raw)


def node(
    operator: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Attribute]
) -> bytes:
    """Encode a node of the default operator domain (NodeProto); it is named as its first output.

    Args:
        operator: its type.
        inputs: names of tensors; "" for one that is left out.
        outputs: names of tensors.
        attributes: by name.

    Returns:
        The message.
    """
    ends = [text_field(1, name) for name in inputs] + [text_field(2, name) for name in outputs]
    about = text_field(3, outputs[0]) + text_field(4, operator)
    return (
        b"".join(ends)
        + about
        + b"".join(field_bytes(5, BYTES, _attribute(*each)) for each in attributes.items())
    )


def value_info(name: str, dtype: str, shape: Sequence[int]) -> bytes:
    """Encode an input or output of a graph (ValueInfoProto).

    Args:
        name: of the tensor.
        dtype: name of its element type.
        shape: its dimensions, all fixed.

    Returns:
        The message.
    """
    dimensions = b"".join(field_bytes(1, BYTES, _integer(1, size)) for size in shape)
    kind = field_bytes(1, VARINT, element_number(dtype)) + field_bytes(2, BYTES, dimensions)
    return text_field(1, name) + field_bytes(2, BYTES, field_bytes(1, BYTES, kind))


def entry(key: str, value: str) -> bytes:
    """Encode an entry of a model's metadata (StringStringEntryProto)."""
    return text_field(1, key) + text_field(2, value)


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, tuple):
        return text_field(1, name) + b"".join(_integer(8, one) for one in value) + _integer(20, _INTS)
    if isinstance(value, int):
        return text_field(1, name) + _integer(3, value) + _integer(20, _INT)
    return text_field(1, name) + field_bytes(2, FOUR, struct.pack("<f", value)) + _integer(20, _FLOAT)


def _integer(number: int, value: int) -> bytes:
    return field_bytes(number, VARINT, value % _SIGN)
