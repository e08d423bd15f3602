"""Levels that `export` finds in a graph and adds to it, on timm's small networks with drawn weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
from safetensors.torch import save_file

from edge_tosca.export.catalog import find_backbone
from edge_tosca.export.graph import graph_of
from edge_tosca.export.levels import MAP, Levels, add_levels, entries_of, find_levels, has_levels
from edge_tosca.export.model import build_model
from edge_tosca.export.quantize import quantize_dynamic, quantize_static
from edge_tosca.export.ranges import extremes, ranges_from
from edge_tosca.runtime.no_telemetry import import_onnxruntime


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network's torch model and FP32 graph, by its name."""
    folder: Path = tmp_path_factory.mktemp("weights")
    known = {}

    def export(name):
        if name not in known:
            torch.manual_seed(0)
            path = folder / f"{name}.safetensors"
            save_file(timm.create_model(name, pretrained=False).eval().state_dict(), path)
            model = build_model(find_backbone(name), path)
            known[name] = model, graph_of(model).graph
        return known[name]

    return export


def pixels_of(model, seed=0):
    size = model.preprocessing.size
    return np.random.default_rng(seed).normal(size=(1, 3, size, size)).astype(np.float32)


def run(graph, pixels):
    session = import_onnxruntime().InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [out.name for out in session.get_outputs()]
    return dict(zip(names, session.run(None, {"pixels": pixels}), strict=True))


@pytest.mark.parametrize(
    ("name", "widths"),
    # The second has average pools on the way around a block that halves the size.
    [("test_efficientnet", [32, 48, 64]), ("test_resnet", [32, 48, 192]), ("resnet18", [64, 128, 256])],
)
def test_a_convolutional_backbone_gets_the_averages_of_its_last_stages(exported, name, widths):
    model, graph = exported(name)
    found = find_levels(graph, "cnn")
    assert [level.part.width for level in found.levels] == widths
    stages = []
    blocks = getattr(model.module, "blocks", None)
    stages_of = (
        list(blocks) if blocks is not None else [getattr(model.module, f"layer{n}") for n in (1, 2, 3)]
    )
    for stage in stages_of:
        stage.register_forward_hook(lambda _m, _i, out: stages.append(out.mean(dim=(2, 3)).numpy()))
    pixels = pixels_of(model)
    with torch.inference_mode():
        model.module(torch.from_numpy(pixels))
    outputs = run(add_levels(graph, found), pixels)
    for level, expected in zip(found.levels, stages[-3:], strict=True):
        # Folding batch norms into convolutions rounds differently.
        np.testing.assert_allclose(outputs[level.part.name].reshape(1, -1), expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outputs[MAP].shape[1:], found.map_shape)


def test_a_transformer_gets_the_cls_tokens_of_the_blocks_before_its_last(exported):
    model, graph = exported("test_vit")
    found = find_levels(graph, "vit")
    assert [level.part.name for level in found.levels] == ["level_2_before_last", "level_1_before_last"]
    tokens = []
    for block in model.module.model.blocks:
        block.register_forward_hook(lambda _m, _i, out: tokens.append(out[:, 0].numpy()))
    pixels = pixels_of(model)
    with torch.inference_mode():
        model.module(torch.from_numpy(pixels))
    outputs = run(add_levels(graph, found), pixels)
    for level, expected in zip(found.levels, tokens[-3:-1], strict=True):
        np.testing.assert_allclose(outputs[level.part.name], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["test_efficientnet", "test_vit"])
def test_nodes_weights_and_first_output_stay(exported, name):
    model, graph = exported(name)
    family = "vit" if name == "test_vit" else "cnn"
    found = find_levels(graph, family)
    if family == "cnn":
        ranges = ranges_from(*extremes(graph, [pixels_of(model, seed) for seed in range(4)]), widest=False)
        quantized = quantize_static(graph, ranges)
    else:
        quantized = quantize_dynamic(graph)
    assert has_levels(quantized, found)
    more = add_levels(quantized, found)
    count = len(quantized.graph.node)
    assert list(more.graph.node[:count]) == list(quantized.graph.node)
    assert list(more.graph.initializer[: len(quantized.graph.initializer)]) == list(
        quantized.graph.initializer
    )
    for seed in range(3):
        pixels = pixels_of(model, seed)
        assert np.array_equal(run(more, pixels)["features"], run(quantized, pixels)["features"])


def test_a_graph_without_blocks_gets_none():
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Flatten", ["pixels"], ["features"])
    graph = onnx.helper.make_graph(
        [node],
        "plain",
        [value("pixels", onnx.TensorProto.FLOAT, [1, 3, 4, 4])],
        [value("features", onnx.TensorProto.FLOAT, [1, 48])],
    )
    model = onnx.helper.make_model(graph)
    for family in ("cnn", "vit"):
        assert find_levels(model, family) == Levels()
    assert add_levels(model, Levels()) is model
    assert not has_levels(model, Levels())
    assert entries_of(Levels(), 48) == {}


def test_a_tensor_that_a_quantizer_renamed_is_noticed(exported):
    _, graph = exported("test_efficientnet")
    found = find_levels(graph, "cnn")
    other = onnx.ModelProto()
    other.CopyFrom(graph)
    for node in other.graph.node:
        node.output[:] = [f"{name}_renamed" for name in node.output]
    assert not has_levels(other, found)
