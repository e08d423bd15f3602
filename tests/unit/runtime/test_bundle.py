"""A bundle is loaded only if every byte is the one that its manifest vouches for."""

import hashlib
import json
import shutil

import pytest

from edge_tosca.errors import BundleError
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle, fingerprint


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")


def refusal(folder):
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def rewrite(folder, **changes):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for key, value in changes.items():
        manifest[key] = value
    path.write_text(json.dumps(manifest))


def test_the_default_bundle_is_small_int8_and_faithful(bundle):
    assert (bundle.name, bundle.feature_dim, bundle.precision) == ("efficientnet_lite0", 1904, "int8")
    assert bundle.manifest["fidelity"]["cosine"]["mean"] >= 0.99
    assert sum(path.stat().st_size for path in DEFAULT_BUNDLE.rglob("*")) < 5_500_000
    assert bundle.digest == hashlib.sha256((DEFAULT_BUNDLE / "backbone.onnx").read_bytes()).hexdigest()


@pytest.mark.parametrize("position", [0, 1_000_000, -1])
def test_one_changed_byte_is_found_and_its_file_named(copy, position):
    path = copy / "backbone.onnx"
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    assert "backbone.onnx: changed" in refusal(copy)


def test_a_byte_changed_after_loading_does_not_run(copy):
    bundle = Bundle.load(copy)
    (copy / "backbone.onnx").write_bytes(b"something else")
    with pytest.raises(BundleError, match="changed"):
        bundle.read("backbone.onnx")


def test_missing_parts_are_named(copy, tmp_path):
    assert "no such bundle" in refusal(tmp_path / "none")
    (copy / "backbone.onnx").unlink()
    assert "backbone.onnx: missing" in refusal(copy)
    (copy / "manifest.json").unlink()
    assert "no manifest.json" in refusal(copy)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', "\x00\xff", "[" * 100_000])
def test_a_malformed_manifest_is_refused(copy, text):
    (copy / "manifest.json").write_bytes(text.encode("latin-1"))
    assert "malformed" in refusal(copy)


@pytest.mark.parametrize("version", [0, 2, "1", None, True])
def test_an_unknown_format_is_refused(copy, version):
    rewrite(copy, format=version)
    assert "format" in refusal(copy)


@pytest.mark.parametrize("key", ["name", "feature_dim", "precision", "input", "files", "golden"])
@pytest.mark.parametrize("value", [None, 3.5, [], {}])
def test_a_value_of_the_wrong_type_is_named(copy, key, value):
    rewrite(copy, **{key: value})
    # An empty object lacks what belongs in it, which is then what is named.
    missing = {"files": "backbone.onnx", "input": "size"}.get(key, key)
    message = refusal(copy)
    assert key in message or missing in message


@pytest.mark.parametrize(
    "change",
    [
        {"size": 0},
        {"size": True},
        {"mean": [0.5, 0.5]},
        {"std": [0.5, 0.5, 0]},
        {"std": [0.5, "0.5", 0.5]},
        {"interpolation": "magic"},
        {"crop_pct": 0},
    ],
)
def test_a_preprocessing_that_makes_no_sense_is_refused(copy, bundle, change):
    rewrite(copy, input={**bundle.manifest["input"], **change})
    refusal(copy)


@pytest.mark.parametrize("change", [{"width": -1}, {"twist": [0, 1, 1]}, {"feature": [1.0]}, {"down": None}])
def test_malformed_golden_inputs_are_refused(copy, bundle, change):
    rewrite(copy, golden=[{**bundle.manifest["golden"][0], **change}])
    assert "golden" in refusal(copy)


@pytest.mark.parametrize("name", ["/etc/hostname", "../outside", "a/../../outside", "..\\outside", ""])
def test_a_file_outside_the_bundle_is_refused_unread(copy, bundle, name):
    rewrite(copy, files={**bundle.files, name: "0" * 64})
    assert "outside the bundle" in refusal(copy)


def test_a_link_out_of_the_bundle_is_refused(copy, tmp_path):
    outside = tmp_path / "outside.onnx"
    (copy / "backbone.onnx").rename(outside)
    (copy / "backbone.onnx").symlink_to(outside)
    assert "leaves the bundle" in refusal(copy)


def test_the_fingerprint_tells_backbones_and_preprocessings_apart(copy, bundle, backend):
    first = fingerprint(bundle, backend)
    assert fingerprint(Bundle.load(copy), backend) == first
    assert str(first) == f"efficientnet_lite0 ({bundle.digest[:8]}) on onnxruntime CPU"
    rewrite(copy, input={**bundle.manifest["input"], "crop_pct": 0.9})
    assert fingerprint(Bundle.load(copy), backend).digest != first.digest
