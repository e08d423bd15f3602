"""A graph for pictures of another size: the same nodes and numbers, and the same bits at the old size."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.test_bundle import rewrite

from edge_tosca.errors import BundleError
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle
from edge_tosca.runtime.input_size import resized
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.protobuf_wire import BYTES, VARINT, WireReader, field_bytes

GRAPH = DEFAULT_BUNDLE / "backbone.onnx"


@pytest.fixture(scope="module")
def small():
    return GRAPH.read_bytes()


@pytest.fixture(scope="module")
def large(small):
    return resized(small, GRAPH, 224, 288)


def sides(values):
    return {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in values}


def test_a_graph_of_the_right_size_is_the_file_itself(small):
    assert resized(small, GRAPH, 224, 224) is small


def test_nodes_and_numbers_stay_and_only_shapes_change(small, large):
    before, after = onnx.load_from_string(small), onnx.load_from_string(large)
    onnx.checker.check_model(after, full_check=True)
    assert sides(after.graph.input) == {"pixels": [1, 3, 288, 288]}
    assert sides(after.graph.output) == {**sides(before.graph.output), "feature_map": [1, 1280, 0, 0]}
    for graph in (before.graph, after.graph):
        del graph.value_info[:], graph.input[:], graph.output[:]
    assert before.SerializeToString() == after.SerializeToString()


def test_there_and_back_the_features_are_the_same_to_the_last_bit(small, large):
    again = resized(large, GRAPH, 288, 224)
    sessions = [
        import_onnxruntime().InferenceSession(data, providers=["CPUExecutionProvider"])
        for data in (small, again)
    ]
    rng = np.random.default_rng(0)
    for _ in range(3):
        pixels = rng.uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
        first, second = (session.run(None, {"pixels": pixels}) for session in sessions)
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("data", [b"", b"\xff" * 20, b"\x3a\x05ab"])
def test_what_is_no_graph_is_refused(data):
    with pytest.raises(BundleError):
        resized(data, Path("x.onnx"), 224, 288)


def test_a_graph_of_another_size_than_stated_is_refused(small, tmp_path):
    with pytest.raises(BundleError, match="200 pixels"):
        resized(small, GRAPH, 200, 288)
    copy = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "copy")
    rewrite(copy, graph_size=200)
    with pytest.raises(BundleError, match=r"by its manifest it is float32 .1, 3, 200, 200"):
        Bundle.load(copy)


@pytest.mark.parametrize("value", [0, -224, 4096, True, "224", None])
def test_a_size_that_makes_no_sense_is_refused(tmp_path, value):
    copy = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "copy")
    rewrite(copy, graph_size=value)
    with pytest.raises(BundleError, match="graph_size"):
        Bundle.load(copy)


@given(st.integers(1, 1000), st.integers(0, 2**64 - 1) | st.binary(max_size=300))
def test_a_field_is_written_as_it_is_read(number, value):
    kind = VARINT if isinstance(value, int) else BYTES
    ((found, wire, read),) = WireReader().fields(memoryview(field_bytes(number, kind, value)))
    assert (found, wire) == (number, kind)
    assert (read if isinstance(read, int) else bytes(read)) == value
