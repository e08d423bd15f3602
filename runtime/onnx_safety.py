"""Refuse untrusted ONNX files that refer to data outside the file or loop, before a runtime loads them.

A tensor may name an external file for its data, by any path, and a runtime that follows the path puts a file
of the device into the features. OpenVINO does so for files under the working directory even when it is given
bytes. A loop may run 2^62 times, or as often as the numbers of one picture say, which no trial would show. A
device has no onnx package, so this file parses the part of the format that locates tensor data.
"""

from collections.abc import Iterator
from pathlib import Path

from edge_tosca.errors import BundleError
from edge_tosca.runtime.manifest import REMEDY
from edge_tosca.runtime.protobuf_wire import DEEPEST, WireReader, text_of

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Operator domains that the runtimes implement; any other needs a separate library."""

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
_LOOPS = ("Loop", "Scan")


def require_self_contained(data: bytes, path: Path) -> None:
    """Raise if an ONNX file has external tensor data, operators of unknown domains, or a loop.

    Args:
        data: the file's bytes.
        path: of the file, for the error.

    Raises:
        BundleError: the file has any, or is no ONNX file.
    """
    try:
        for reason in _faults(WireReader(), memoryview(data), "model", 0):
            raise BundleError(f"{path}: {reason}")
    except (ValueError, IndexError):
        raise BundleError(f"{path}: not a sound ONNX file; {REMEDY}") from None


def _faults(reader: WireReader, data: memoryview, message: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    inside = _MESSAGES[message]
    name, external = "", False
    for number, kind, value in reader.fields(data):
        if message == "tensor":
            # Any occurrence counts, since readers differ in which of several they use.
            external |= number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            if number == _TENSOR_NAME and isinstance(value, memoryview):
                name = text_of(value)
        elif isinstance(value, memoryview):
            if number in inside:
                yield from _faults(reader, value, inside[number], depth + 1)
            elif number == _DOMAIN.get(message) and text_of(value) not in DOMAINS:
                yield _reference(f"needs operators of {text_of(value)!r:.60}")
            elif message == "node" and number == _OPERATOR:
                yield from _operator_faults(text_of(value))
        elif number in inside:
            raise ValueError(f"field {number} of {message} has wire type {kind}")
    if external:
        yield _reference(f"the data of tensor {name!r:.60} are in another file")


def _operator_faults(operator: str) -> Iterator[str]:
    if operator == _EXTERNAL_GRAPH_OPERATOR:
        yield _reference("keeps its graph in another file")
    if operator in _LOOPS:
        yield (
            f"has a loop (operator {operator}), whose rounds nothing bounds; refused; use a backbone without "
            "loops, as torch's exporter writes it"
        )


def _reference(reason: str) -> str:
    return f"{reason}; refused; use a backbone whose file holds all of it"
