"""A search measures every recipe in its own runtime and keeps the fastest that passes the gate, or none."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export import export_backbone
from edge_tosca.export.catalog import CATALOG
from edge_tosca.export.fidelity import Fidelity
from edge_tosca.export.recipe import GRIDS, Recipe, find_recipes
from edge_tosca.export.reference_pictures import reference_pictures
from edge_tosca.export.search import LEAST_MEAN_COSINE, Trial, _best, _best_in_openvino, _fault
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
    # A graph for ONNX Runtime is measured in OpenVINO, too.
    assert [row["recipe"] for row in rows] == [RECIPES[0], *RECIPES]
    assert [row["runtime"] for row in rows] == ["onnxruntime", "openvino", "openvino"]
    for row in rows:
        assert row["milliseconds"] > 0
        assert row["bytes"] > 0
        assert {"mean", "p1", "min"} == row["cosine"].keys() == row["reference_cosine"].keys()
        assert {"fp32", "int8"} == row["linear_probe_accuracy"].keys() == row["nearest_mean_accuracy"].keys()
    assert manifest["search"]["images"] == 40


def test_each_runtime_runs_the_graph_that_was_chosen_for_it(searched):
    bundle, manifest, _ = searched
    chosen = {row["runtime"]: row["recipe"] for row in manifest["search"]["trials"] if row["chosen"]}
    assert manifest["quantization"]["name"] == chosen["onnxruntime"] == RECIPES[0]
    assert manifest["openvino"]["quantization"]["name"] == chosen["openvino"]
    # Times decide whether OpenVINO gets a graph of its own.
    own = chosen["openvino"] == RECIPES[1]
    assert ({"openvino/backbone.xml", "openvino/backbone.bin"} <= bundle.files.keys()) == own
    # A second graph would need the same levels.
    assert len(bundle.parts) == (1 if own else 3)
    cosines = golden_cosines(bundle, open_backend(bundle, "openvino"))
    assert min(cosines) > (0.97 if int8_overflows() else 0.99)


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


def in_openvino(one):
    return replace(one, runtime="openvino")


def test_one_graph_serves_both_runtimes_unless_another_is_much_faster():
    static, own = Recipe("ort-static", float_layers=3), Recipe("nncf-openvino")
    on_cpu, shared = trial(static, 2.0), in_openvino(trial(static, 2.1))
    near, fast = trial(own, 2.0), trial(own, 1.5)
    assert _best_in_openvino([on_cpu, shared, near], on_cpu, force=False) is shared
    assert _best_in_openvino([on_cpu, shared, fast], on_cpu, force=False) is fast
    assert _best_in_openvino([on_cpu, replace(shared, fault="x"), near], on_cpu, force=False) is near
    assert _best_in_openvino([shared, near], None, force=False) is near
    assert _best_in_openvino([on_cpu], on_cpu, force=False) is None


def test_the_worse_of_held_out_and_reference_pictures_counts():
    one = trial(Recipe("nncf-openvino"), 1.0, cosine=0.996)
    other = replace(one.fidelity, cosine_mean=0.987)
    assert one.judged is one.fidelity
    judged = replace(one, reference=other)
    assert judged.judged is other
    assert _fault("cnn", judged) == "mean cosine under 0.995 on reference pictures"
    better = replace(one, reference=replace(one.fidelity, cosine_mean=0.999))
    assert better.judged is one.fidelity
    assert _fault("cnn", better) == ""


def test_photographs_to_judge_on_come_with_scikit_learn(tmp_path):
    preprocessing = Bundle.load().preprocessing
    pictures, origin = reference_pictures(None, preprocessing)
    assert len(pictures) == 64
    assert {picture.shape for picture in pictures} == {(1, 3, 224, 224)}
    assert "scikit-learn" in origin
    with pytest.raises(EdgeToscaError, match="--reference"):
        reference_pictures(tmp_path / "none", preprocessing)


def test_the_catalog_names_recipes_that_exist():
    for known in CATALOG:
        family = "vit" if "vit" in known.name or "deit" in known.name else "cnn"
        recipes = find_recipes(family, known.recipes)
        runtimes = [recipe.runtime for recipe in recipes]
        assert not known.recipes or len(set(runtimes)) == len(runtimes)


def test_recipes_are_told_apart_by_their_names():
    names = [recipe.name for grid in GRIDS.values() for recipe in grid]
    assert len(set(names)) == len(names)
