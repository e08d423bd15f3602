"""The two built-in bundles: one graph, two sizes, and features that are never mixed."""

import shutil

import numpy as np
import pytest
from tests.unit.runtime.test_bundle import rewrite

from edge_tosca.errors import BundleError
from edge_tosca.runtime import (
    BUILT_IN,
    DEFAULT_BUNDLE,
    Bundle,
    bundle_folder,
    bundle_setting,
    fingerprint,
    golden_cosines,
    open_backend,
    open_verified,
    read_references,
)

ACCURATE = BUILT_IN["accurate"]


@pytest.fixture(scope="module")
def accurate():
    return Bundle.load("accurate")


def test_both_have_one_graph_and_only_the_first_holds_the_file(accurate):
    fast = Bundle.load("fast")
    assert fast.path == DEFAULT_BUNDLE == Bundle.load().path
    assert accurate.digest == fast.digest
    assert accurate.read("backbone.onnx") == fast.read("backbone.onnx") == fast.graph()
    assert not (ACCURATE / "backbone.onnx").exists()
    assert (fast.preprocessing.size, accurate.preprocessing.size, accurate.preprocessing.crop_pct) == (
        224,
        288,
        1.0,
    )
    assert accurate.parts == fast.parts


def test_the_second_is_small_faithful_and_supersedes_nothing(accurate):
    assert sum(path.stat().st_size for path in ACCURATE.iterdir()) < 1_600_000
    fidelity = accurate.manifest["fidelity"]
    for cosine in (fidelity["cosine"], fidelity["reference"]["cosine"]):
        assert cosine["mean"] >= 0.995
        assert cosine["p1"] >= 0.985
    # A feature of 224 pixels is none of 288.
    assert accurate.supersedes == ()
    assert accurate.manifest["feature_map"] == {"name": "feature_map", "shape": [1280, 9, 9]}


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_the_second_computes_its_golden_features_in_both_runtimes(accurate, runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="openvino is not installed")
    backend = open_backend(accurate, runtime, threads=1)
    assert min(golden_cosines(accurate, backend)) > 0.99
    assert backend.features(np.zeros((1, 3, 288, 288), np.float32)).shape == (1904,)


def test_their_features_are_of_two_origins(accurate, bundle, backend):
    fine = open_verified(accurate, threads=1)
    one, other = fingerprint(bundle, backend), fingerprint(accurate, fine.backend, fine.golden)
    assert one.backbone == other.backbone
    assert one.preprocessing != other.preprocessing
    assert one.digest != other.digest


def test_each_has_references_of_its_own(accurate, bundle):
    small, large = (np.asarray(read_references(one), np.float64) for one in (bundle, accurate))
    assert small.shape == large.shape
    products = np.einsum("rd,rd->r", small, large)
    cosines = products / np.linalg.norm(small, axis=1) / np.linalg.norm(large, axis=1)
    # The same photographs at two sizes: alike, and not the same.
    assert 0.7 < cosines.mean() < 0.99


def test_a_copy_of_the_second_finds_the_graph_and_one_that_asks_for_another_does_not(accurate, tmp_path):
    copy = shutil.copytree(ACCURATE, tmp_path / "copy")
    assert Bundle.load(copy).graph() == accurate.graph()
    rewrite(copy, files={**accurate.files, "backbone.onnx": "0" * 64})
    with pytest.raises(BundleError, match=r"copy/backbone.onnx: missing"):
        Bundle.load(copy)


def test_a_graph_in_the_folder_goes_before_the_shared_one(tmp_path):
    copy = shutil.copytree(ACCURATE, tmp_path / "copy")
    (copy / "backbone.onnx").write_bytes(b"another")
    with pytest.raises(BundleError, match="changed"):
        Bundle.load(copy)


def test_a_bundle_without_a_size_of_its_graph_borrows_none(tmp_path):
    copy = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "copy")
    (copy / "backbone.onnx").unlink()
    with pytest.raises(BundleError, match="missing"):
        Bundle.load(copy)


def test_neither_is_tried_in_a_process_of_its_own(accurate, monkeypatch):
    monkeypatch.setattr("edge_tosca.runtime.trial._succeeds", lambda *_: pytest.fail("was tried"))
    open_backend(accurate, threads=1)


def test_the_built_in_graph_at_another_size_is_tried(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr("edge_tosca.runtime.trial._succeeds", lambda *_: tried.append(1))
    copy = shutil.copytree(ACCURATE, tmp_path / "copy")
    rewrite(copy, input={**Bundle.load(copy).manifest["input"], "size": 320})
    open_backend(Bundle.load(copy), threads=1)
    assert tried


def test_a_name_is_a_folder_and_a_setting(tmp_path):
    assert bundle_folder(None) is bundle_folder("") is None
    assert bundle_folder("fast") == DEFAULT_BUNDLE
    assert bundle_folder(tmp_path) == tmp_path
    assert bundle_setting(None) == bundle_setting("fast") == bundle_setting(DEFAULT_BUNDLE) == ""
    assert bundle_setting("accurate") == bundle_setting(ACCURATE) == "accurate"
    assert bundle_setting(tmp_path) == str(tmp_path)
    for folder in (DEFAULT_BUNDLE, ACCURATE):
        assert (bundle_folder(bundle_setting(folder)) or DEFAULT_BUNDLE) == folder
