"""A search measures every recipe in its own runtime and keeps the fastest that passes the gate, or none."""

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from edge_tosca.export import export_backbone
from edge_tosca.export.catalog import CATALOG
from edge_tosca.export.fidelity import Fidelity
from edge_tosca.export.recipe import GRIDS, Recipe, find_recipes
from edge_tosca.export.search import LEAST_MEAN_COSINE, Trial, _best
from edge_tosca.runtime import Bundle, golden_cosines, open_backend
from edge_tosca.runtime.hardware import int8_overflows

RECIPES = ("ort-dynamic", "nncf-openvino-symmetric")


@pytest.fixture(scope="module")
def searched(tmp_path_factory, draw_pictures):
    folder = tmp_path_factory.mktemp("search")
    pictures = draw_pictures(folder / "drawn", ["apple", "flag", "pool", "zebra"], count=20, side=96)
    torch.manual_seed(0)
    save_file(timm.create_model("test_vit").state_dict(), folder / "vit.safetensors")
    options = {"weights": folder / "vit.safetensors", "calibration": pictures, "recipes": RECIPES}
    manifest = export_backbone("test_vit", folder / "bundle", force=True, **options)
    return Bundle.load(folder / "bundle"), manifest, options


def test_every_recipe_has_a_row_with_all_that_was_measured(searched):
    _, manifest, _ = searched
    rows = manifest["search"]["trials"]
    assert [row["recipe"] for row in rows] == list(RECIPES)
    assert [row["runtime"] for row in rows] == ["onnxruntime", "openvino"]
    for row in rows:
        assert row["milliseconds"] > 0
        assert row["bytes"] > 0
        assert {"mean", "p1", "min"} == row["cosine"].keys()
        assert {"fp32", "int8"} == row["linear_probe_accuracy"].keys() == row["nearest_mean_accuracy"].keys()
    assert manifest["search"]["images"] == 40


def test_each_runtime_runs_the_graph_that_was_chosen_for_it(searched):
    bundle, manifest, _ = searched
    assert {"backbone.onnx", "openvino/backbone.xml", "openvino/backbone.bin"} < bundle.files.keys()
    assert manifest["quantization"]["name"] == RECIPES[0]
    assert manifest["openvino"]["quantization"]["name"] == RECIPES[1]
    assert "<net" in bundle.read("openvino/backbone.xml").decode()[:200]
    # Two INT8 graphs of one backbone: near, but not the same.
    cosines = golden_cosines(bundle, open_backend(bundle, "openvino"))
    assert (0.97 if int8_overflows() else 0.99) < min(cosines) < 0.999999


def test_where_none_passes_the_bundle_is_fp32(searched, tmp_path, monkeypatch):
    _, _, options = searched
    monkeypatch.setitem(LEAST_MEAN_COSINE, "vit", 1.1)
    steps = []
    quick = {**options, "recipes": ["ort-dynamic"], "on_step": steps.append}
    manifest = export_backbone("test_vit", tmp_path / "honest", **quick)
    assert manifest["precision"] == Bundle.load(tmp_path / "honest").precision == "fp32"
    assert "under 1.1" in manifest["search"]["trials"][0]["fault"]
    assert any("stays FP32" in step for step in steps)


def trial(recipe, milliseconds, fault="", cosine=0.999):
    fidelity = Fidelity(cosine, cosine, cosine, None, None, 1, "")
    return Trial(recipe, None, fidelity, np.ones((1, 2), np.float32), milliseconds, fault)


def test_the_fastest_that_passes_is_chosen():
    slow, fast, wrong = (Recipe("ort-static", float_layers=k) for k in (8, 5, 0))
    trials = [trial(slow, 3.0), trial(fast, 2.0), trial(wrong, 1.0, "mean cosine under 0.995", 0.9)]
    assert _best(trials, "onnxruntime", force=True).recipe == fast
    assert _best(trials, "openvino", force=True) is None
    assert _best(trials[2:], "onnxruntime", force=False) is None
    assert _best(trials[2:], "onnxruntime", force=True).recipe == wrong


def test_the_catalog_names_recipes_that_exist():
    for known in CATALOG:
        family = "vit" if "vit" in known.name or "deit" in known.name else "cnn"
        recipes = find_recipes(family, known.recipes)
        runtimes = [recipe.runtime for recipe in recipes]
        assert not known.recipes or len(set(runtimes)) == len(runtimes)


def test_recipes_are_told_apart_by_their_names():
    names = [recipe.name for grid in GRIDS.values() for recipe in grid]
    assert len(set(names)) == len(names)
