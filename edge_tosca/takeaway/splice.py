"""Put a graph before and behind a backbone's: one ONNX file of both, written without the package onnx.

The nodes and numbers of the backbone are copied as they are, in the wire format.
"""

from collections.abc import Mapping, Sequence

from edge_tosca.runtime.protobuf_wire import BYTES, WireReader, field_bytes
from edge_tosca.takeaway import messages
from edge_tosca.takeaway.graph import Graph

# Field numbers of onnx.proto.
_PRODUCER, _PRODUCER_VERSION, _GRAPH, _OPSETS, _METADATA = 2, 3, 7, 8, 14
_NODE, _GRAPH_NAME, _STORED, _INPUT, _OUTPUT = 1, 2, 5, 11, 12
_OPSET_DOMAIN, _OPSET_VERSION = 1, 2
_ABOUT_MODEL = (2, 3, 4, 5, 6)
"""Producer, its version, domain, version and description: those of the backbone say nothing of the model."""

GRAPH_NAME = "edge-tosca"


def opset_of(backbone: bytes) -> int:
    """Return the version of ONNX's own operators that a graph uses.

    Args:
        backbone: the ONNX file.

    Raises:
        ValueError: the file is malformed.
    """
    reader, version = WireReader(), 1
    for number, _, value in reader.fields(memoryview(backbone)):
        if number == _OPSETS and isinstance(value, memoryview):
            found = {key: entry for key, _, entry in reader.fields(value)}
            domain, given = found.get(_OPSET_DOMAIN, b""), found.get(_OPSET_VERSION, 1)
            if bytes(domain if isinstance(domain, memoryview) else b"") in (b"", b"ai.onnx"):
                version = given if isinstance(given, int) else version
    return version


def splice(
    backbone: bytes,
    before: Graph,
    behind: Graph,
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    metadata: Mapping[str, str],
    producer: tuple[str, str],
) -> bytes:
    """Write one model.

    Args:
        backbone: the ONNX file of the backbone.
        before: nodes that compute its input.
        behind: nodes that read its outputs.
        inputs: of the model, encoded.
        outputs: of the model, encoded.
        metadata: of the model.
        producer: name and version of the program.

    Returns:
        The ONNX file.

    Raises:
        ValueError: the backbone is malformed.
    """
    reader = WireReader()

    def graph(data: memoryview) -> bytes:
        nodes: list[bytes] = []
        rest: list[bytes] = []
        for number, kind, value in reader.fields(data):
            if number == _NODE:
                nodes.append(field_bytes(number, kind, value))
            elif number not in (_GRAPH_NAME, _INPUT, _OUTPUT):
                rest.append(field_bytes(number, kind, value))
        ours = [field_bytes(_NODE, BYTES, one) for one in before.nodes]
        ours += nodes
        ours += [field_bytes(_NODE, BYTES, one) for one in behind.nodes]
        stored = [field_bytes(_STORED, BYTES, one) for one in (*before.tensors, *behind.tensors)]
        ends = [field_bytes(_INPUT, BYTES, one) for one in inputs]
        ends += [field_bytes(_OUTPUT, BYTES, one) for one in outputs]
        return b"".join([*ours, messages.text_field(_GRAPH_NAME, GRAPH_NAME), *rest, *stored, *ends])

    out = [messages.text_field(_PRODUCER, producer[0]), messages.text_field(_PRODUCER_VERSION, producer[1])]
    for number, kind, value in reader.fields(memoryview(backbone)):
        if number == _GRAPH and isinstance(value, memoryview):
            out.append(field_bytes(number, kind, graph(value)))
        elif number not in (*_ABOUT_MODEL, _METADATA):
            out.append(field_bytes(number, kind, value))
    out += [field_bytes(_METADATA, BYTES, messages.entry(key, value)) for key, value in metadata.items()]
    return b"".join(out)
