"""Reference pictures of a bundle are read only if they fit it, and used only where they fit a store."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save

from edge_tosca.errors import BundleError
from edge_tosca.runtime import DEFAULT_BUNDLE, Bundle, preprocessing_digest, read_references
from edge_tosca.vision.compatibility import feature_settings
from edge_tosca.vision.references import references_of


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")


def change(folder, entry=None, content=None):
    manifest = json.loads((folder / "manifest.json").read_text())
    if entry is None:
        del manifest["reference"]
    else:
        manifest["reference"] |= entry
    if content is not None:
        data = save(content)
        (folder / "references.safetensors").write_bytes(data)
        manifest["files"]["references.safetensors"] = hashlib.sha256(data).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def settings_of(bundle):
    return {
        **feature_settings(bundle.widths),
        "backbone": bundle.digest,
        "preprocessing": preprocessing_digest(bundle),
    }


def test_the_built_in_bundle_has_references_with_their_source_and_licence(bundle):
    features, entry = read_references(bundle), bundle.manifest["reference"]
    assert features.shape == (entry["images"], bundle.feature_dim)
    assert features.dtype == np.float16
    assert features.nbytes <= 1_500_000
    assert "Creative Commons Attribution 4.0" in entry["licence"]


def test_a_bundle_without_references_has_none(copy):
    change(copy)
    bundle = Bundle.load(copy)
    assert read_references(bundle) is None
    assert references_of(copy, settings_of(bundle)) is None


@pytest.mark.parametrize(
    "content",
    [
        {"references": np.zeros((3, 7), np.float16)},
        {"references": np.zeros((3, 1904), np.float32)},
        {"references": np.zeros((0, 1904), np.float16)},
        {"references": np.full((3, 1904), np.inf, np.float16)},
        {"others": np.zeros((3, 1904), np.float16)},
    ],
)
def test_references_that_do_not_fit_are_refused_in_one_line(copy, content):
    change(copy, {}, content)
    with pytest.raises(BundleError, match=r"references\.safetensors") as caught:
        read_references(Bundle.load(copy))
    assert "\n" not in str(caught.value)
    # A learner of the bundle goes on without them.
    assert references_of(copy, settings_of(Bundle.load())) is None


def test_references_are_those_of_the_store_s_own_backbone(bundle):
    settings = settings_of(bundle)
    assert len(references_of(None, settings)) == bundle.manifest["reference"]["images"]
    assert references_of(None, settings | {"backbone": "0" * 64}) is None
    assert references_of(None, settings | {"preprocessing": "0" * 64}) is None
    assert references_of(None, settings | {"feature_dim": "32", "feature_parts": "32"}) is None


def test_a_store_from_before_the_levels_has_the_first_part_of_the_references(bundle):
    (before,) = bundle.supersedes
    settings = {**settings_of(bundle.as_superseded(before)), "feature_parts": "1280"}
    found, every = references_of(None, settings), references_of(None, settings_of(bundle))
    assert found.shape == (len(every), 1280)
    np.testing.assert_array_equal(found, every[:, :1280])


def test_a_bundle_that_is_gone_leaves_a_store_without_references(tmp_path, bundle):
    assert references_of(tmp_path / "gone", settings_of(bundle)) is None
    assert references_of(tmp_path / "no\0path", settings_of(bundle)) is None
