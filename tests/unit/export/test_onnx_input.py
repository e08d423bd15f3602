"""What an ONNX file takes is made a picture with channels first, or refused by the property that differs."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export import export_onnx
from edge_tosca.export.onnx_file import load_onnx
from edge_tosca.runtime import Bundle, open_verified
from edge_tosca.runtime.preprocess import Preprocessing

SIZE, WIDTH = 32, 8
PREPROCESSING = Preprocessing(SIZE, (0.5,) * 3, (0.5,) * 3, "bilinear", 1.0)
KERNEL = np.random.default_rng(0).normal(size=(WIDTH, 3, 3, 3)).astype(np.float32)


def saved(path, shape, kind=TensorProto.FLOAT, before=()):
    """A convolution of the input, or of what nodes before it make of it."""
    nodes = [
        *before,
        helper.make_node("Conv", ["first" if before else "image", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["maps"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["feature"]),
    ]
    graph = helper.make_graph(
        nodes,
        "backbone",
        [helper.make_tensor_value_info("image", kind, shape)],
        [helper.make_tensor_value_info("feature", TensorProto.FLOAT, ["n", WIDTH])],
        [numpy_helper.from_array(KERNEL, "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


TO_NCHW = helper.make_node("Transpose", ["image"], ["first"], perm=[0, 3, 1, 2])
TO_FLOAT = helper.make_node("Cast", ["image"], ["first"], to=TensorProto.FLOAT)


@pytest.mark.parametrize("shape", [[1, SIZE, SIZE, 3], ["n", SIZE, SIZE, 3], ["n", "h", "w", 3]])
def test_channels_last_are_transposed_and_the_features_are_those_of_channels_first(tmp_path, shape):
    last = load_onnx(saved(tmp_path / "last.onnx", shape, before=[TO_NCHW]), "feature", PREPROCESSING)
    first = load_onnx(saved(tmp_path / "first.onnx", [1, 3, SIZE, SIZE]), "feature", PREPROCESSING)
    (taken,) = last.graph.graph.input
    assert [size.dim_value for size in taken.type.tensor_type.shape.dim] == [1, 3, SIZE, SIZE]
    pixels = np.random.default_rng(1).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    features = []
    for name, backbone in (("last", last), ("first", first)):
        export_onnx(backbone, tmp_path / name, precision="fp32")
        features.append(open_verified(Bundle.load(tmp_path / name)).backend.features(pixels))
    np.testing.assert_allclose(*features, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "kind", "before", "says"),
    [
        ([1, 3, SIZE, SIZE], TensorProto.UINT8, [TO_FLOAT], "has the type uint8, a backbone's is float32"),
        ([1, 3, SIZE, SIZE], TensorProto.FLOAT16, [TO_FLOAT], "has the type float16"),
        ([3, SIZE, SIZE], TensorProto.FLOAT, [], "has 3 dimensions, a backbone's has 4"),
        ([1, 1, SIZE, SIZE], TensorProto.FLOAT, [], "neither the layout NCHW nor NHWC"),
        ([1, SIZE, SIZE, 4], TensorProto.FLOAT, [TO_NCHW], "neither the layout NCHW nor NHWC"),
        ([8, 3, SIZE, SIZE], TensorProto.FLOAT, [], "a batch of 8 pictures"),
        ([1, 3, SIZE, 48], TensorProto.FLOAT, [], "is not square"),
        ([1, 3, 48, 48], TensorProto.FLOAT, [], f"48 x 48 pixels, --size is {SIZE}; .*--size 48"),
        ([1, 48, 48, 3], TensorProto.FLOAT, [TO_NCHW], f"48 x 48 pixels, --size is {SIZE}; .*--size 48"),
    ],
)
def test_the_property_that_differs_is_named(tmp_path, shape, kind, before, says):
    path = saved(tmp_path / "other.onnx", shape, kind, before)
    with pytest.raises(EdgeToscaError, match=says) as caught:
        load_onnx(path, "feature", PREPROCESSING)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [{"size": 4096}, {"std": (0.5, 1e-300, 0.5)}, {"crop_pct": 1e-3}, {"mean": (float("nan"),) * 3}],
)
def test_numbers_out_of_range_are_refused_before_the_file_is_read(tmp_path, changed):
    preprocessing = replace(PREPROCESSING, **changed)
    with pytest.raises(EdgeToscaError, match=r"out of range .*--size, --mean, --std or --crop"):
        load_onnx(tmp_path / "none.onnx", "feature", preprocessing)
