"""Refuse untrusted ONNX files that refer to data outside the file, before a runtime loads them.

A tensor may name an external file for its data, by any path, and a runtime that follows the path puts a file
of the device into the features. OpenVINO does so for files under the working directory even when it is given
bytes. A device has no onnx package, so this file parses the part of the format that locates tensor data.
"""

from collections.abc import Iterator
from pathlib import Path

from edge_tosca.errors import BundleError
from edge_tosca.runtime.manifest import REMEDY

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Operator domains that the runtimes implement; any other needs a separate library."""

_DEEPEST = 100
"""Nesting limit of messages, which is protobuf's own."""

# Message -> field number -> nested message, from onnx.proto; messages without tensors are omitted.
_MESSAGES = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "opset": {},
    "tensor": {},
}
_DOMAIN = {"node": 7, "opset": 1, "function": 10}
_OPERATOR = 4
_TENSOR_NAME, _EXTERNAL_DATA, _DATA_LOCATION = 8, 13, 14
_EXTERNAL_GRAPH_OPERATOR = "EPContext"

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def require_self_contained(data: bytes, path: Path) -> None:
    """Raise if an ONNX file has external tensor data or operators of unknown domains.

    Args:
        data: the file's bytes.
        path: of the file, for the error.

    Raises:
        BundleError: the file has any, or is no ONNX file.
    """
    try:
        for reason in _external_references(memoryview(data), "model", 0):
            raise BundleError(f"{path}: {reason}; refused; use a backbone whose file holds all of it")
    except (ValueError, IndexError):
        raise BundleError(f"{path}: not a sound ONNX file; {REMEDY}") from None


def _external_references(data: memoryview, message: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    inside = _MESSAGES[message]
    name, external = "", False
    for number, kind, value in _fields(data):
        if message == "tensor":
            # Any occurrence counts, since readers differ in which of several they use.
            external |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            if number == _TENSOR_NAME and isinstance(value, memoryview):
                name = _text(value)
        elif isinstance(value, memoryview):
            if number in inside:
                yield from _external_references(value, inside[number], depth + 1)
            elif number == _DOMAIN.get(message) and _text(value) not in DOMAINS:
                yield f"needs operators of {_text(value)!r:.60}"
            elif message == "node" and number == _OPERATOR and _text(value) == _EXTERNAL_GRAPH_OPERATOR:
                yield "keeps its graph in another file"
        elif number in inside:
            raise ValueError(f"field {number} of {message} has wire type {kind}")
    if external:
        yield f"the data of tensor {name!r:.60} are in another file"


def _fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Yield number, wire type and value of each field of a protobuf message."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in (_EIGHT, _FOUR):
            length = 8 if kind == _EIGHT else 4
        else:
            raise ValueError(f"wire type {kind}")
        if not number or length > len(data) - at:
            raise ValueError("a field ends beyond its message")
        yield number, kind, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a varint without an end")


def _text(data: memoryview) -> str:
    return bytes(data[:200]).decode(errors="replace")
