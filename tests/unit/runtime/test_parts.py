"""Parts of a feature: what a manifest may say, which outputs run, and what a superseded backbone gave."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest

from edge_tosca.errors import BundleError
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle, fingerprint, golden_cosines, open_backend
from edge_tosca.runtime.golden import GOLDEN_PICTURES
from edge_tosca.runtime.golden_check import golden_feature
from edge_tosca.runtime.no_telemetry import import_onnxruntime

BEFORE_LEVELS = "9132ea2d739fab177c5cfacfecbc78478ce542a0e5d3aa71a47aecb8c37082dc"
"""sha256 of the backbone that 0.1.1 shipped."""

LEVELS = [("level_112", 112), ("level_192", 192), ("level_320", 320)]


@pytest.fixture
def changed(tmp_path):
    """A copy of the built-in bundle with changed entries."""
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")

    def change(**entries):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | entries))
        return Bundle.load(folder)

    return change


def test_the_built_in_bundle_has_three_levels_beside_the_last_feature():
    bundle = Bundle.load()
    assert [(part.name, part.width) for part in bundle.parts] == [("features", 1280), *LEVELS]
    assert bundle.feature_dim == sum(bundle.widths)
    assert bundle.supersedes == (BEFORE_LEVELS,)
    assert bundle.manifest["feature_map"] == {"name": "feature_map", "shape": [1280, 7, 7]}


def test_the_built_in_graph_is_the_old_one_byte_for_byte_without_what_was_added():
    graph = onnx.load_from_string(Bundle.load().read("backbone.onnx"))
    assert [out.name for out in graph.graph.output] == [
        "features",
        *(name for name, _ in LEVELS),
        "feature_map",
    ]
    del graph.graph.output[1:]
    assert [node.op_type for node in graph.graph.node[-4:]] == ["GlobalAveragePool"] * 3 + ["Identity"]
    del graph.graph.node[-4:]
    assert hashlib.sha256(graph.SerializeToString()).hexdigest() == BEFORE_LEVELS


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_superseded_backbone_is_reproduced_bit_for_bit(runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed")
    bundle = Bundle.load()
    old = bundle.as_superseded(BEFORE_LEVELS)
    assert (old.feature_dim, old.widths, old.digest) == (1280, (1280,), BEFORE_LEVELS)
    with_levels, without = open_backend(bundle, runtime), open_backend(old, runtime)
    for picture in GOLDEN_PICTURES:
        feature = golden_feature(picture, old, without)
        assert feature.shape == (1280,)
        assert np.array_equal(feature, golden_feature(picture, bundle, with_levels)[:1280])
    assert min(golden_cosines(old, without)) > 0.99
    assert min(golden_cosines(bundle, with_levels)) > 0.99


def test_the_graph_without_added_nodes_gives_the_same_bits(tmp_path):
    bundle = Bundle.load()
    graph = onnx.load_from_string(bundle.read("backbone.onnx"))
    del graph.graph.output[1:], graph.graph.node[-4:]
    old = import_onnxruntime().InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    now = open_backend(bundle)
    rng = np.random.default_rng(0)
    for _ in range(5):
        pixels = rng.normal(size=(1, 3, 224, 224)).astype(np.float32)
        (expected,) = old.run(None, {"pixels": pixels})
        assert np.array_equal(now.features(pixels)[:1280], expected[0])


def test_streams_give_the_same_parts_as_single_pictures():
    bundle = Bundle.load()
    backend = open_backend(bundle, threads=2)
    pixels = [np.full((1, 3, 224, 224), value, np.float32) for value in (-0.5, 0.0, 0.5)]
    streamed = [found.feature for found in backend.stream(pixels)]
    assert all(np.array_equal(a, backend.features(b)) for a, b in zip(streamed, pixels, strict=True))


def test_a_superseded_backbone_keeps_its_fingerprint():
    old = Bundle.load().as_superseded(BEFORE_LEVELS)
    found = fingerprint(old, open_backend(old))
    assert (found.backbone, found.graph) == (BEFORE_LEVELS, "")
    assert found.golden.shape == (3, 1280)
    assert found.digest != fingerprint(Bundle.load(), open_backend(Bundle.load())).digest


def test_only_a_superseded_backbone_is_stood_for():
    with pytest.raises(BundleError, match="does not supersede"):
        Bundle.load().as_superseded("0" * 64)


def test_a_bundle_without_parts_has_one():
    bundle = Bundle.load().as_superseded(BEFORE_LEVELS)
    assert [(part.name, part.width) for part in bundle.parts] == [("features", 1280)]


@pytest.mark.parametrize(
    "feature",
    [
        [],
        {},
        "features",
        [{"name": "features", "width": 1280}],
        [{"name": "features", "width": True}],
        [{"name": "features", "width": 952}, {"name": "features", "width": 952}],
        [{"name": "", "width": 1904}],
        [{"name": "features", "width": 2000}, {"name": "level", "width": -96}],
        [["features", 1904]],
    ],
)
def test_malformed_parts_are_refused(changed, feature):
    with pytest.raises(BundleError, match="'feature' is malformed"):
        changed(feature=feature)


@pytest.mark.parametrize("supersedes", ["x", [1], ["abc"], {"a": 1}])
def test_malformed_digests_are_refused(changed, supersedes):
    with pytest.raises(BundleError, match="'supersedes' is malformed"):
        changed(supersedes=supersedes)


def test_an_output_that_the_graph_lacks_is_named(changed):
    parts = [{"name": "features", "width": 1280}, {"name": "level_9", "width": 624}]
    with pytest.raises(BundleError, match="no output 'level_9'"):
        open_backend(changed(feature=parts))
