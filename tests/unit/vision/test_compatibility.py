"""A store takes features that lie near its own, and refuses all others by name."""

import base64
import json
import shutil

import numpy as np
import pytest

from edge_tosca import Learner
from edge_tosca.errors import StoreError
from edge_tosca.runtime import DEFAULT_BUNDLE
from edge_tosca.vision.compatibility import MIN_COSINE, nearness


@pytest.fixture(scope="module")
def taught(draw_pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("origin")
    pictures = draw_pictures(folder / "pictures", ("apple", "brick", "cone"), count=6)
    learner = Learner.create(folder / "shop.tosca", threads=1)
    learner.learn(pictures)
    learner.close()
    return folder


@pytest.fixture
def shop(taught, tmp_path):
    return shutil.copy(taught / "shop.tosca", tmp_path / "shop.tosca")


def settings(path, **changes):
    learner = Learner.open(path)
    with learner.store.transaction():
        for key, value in changes.items():
            learner.store.set_setting(key, value)
    kept = dict(learner.store.settings)
    learner.close()
    return kept


def refusal(path, picture, **options):
    with pytest.raises(StoreError) as caught:
        Learner.open(path, threads=1, **options).predict(picture)
    message = str(caught.value)
    assert str(path) in message
    assert f"edge-tosca migrate {path}" in message
    assert "\n" not in message
    return message


def moved(golden, cosine):
    """Golden features at a given cosine to those."""
    digest, golden = golden.split()
    rows = np.frombuffer(base64.b64decode(golden), "<f2").astype(np.float64).reshape(3, -1)
    noise = np.random.default_rng(0).normal(size=rows.shape)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    noise -= (noise * unit).sum(axis=1, keepdims=True) * unit
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    far = cosine * unit + np.sqrt(1 - cosine**2) * noise
    return f"{digest} {base64.b64encode(far.astype('<f2').tobytes()).decode()}"


def test_the_other_runtime_is_near_and_answers_alike(shop, taught):
    pytest.importorskip("openvino", reason="openvino is not installed")
    pictures = sorted((taught / "pictures").glob("*/*.jpg"))
    here, there = (
        [answer.label for answer in Learner.open(shop, runtime=runtime).predict_many(pictures)]
        for runtime in ("onnxruntime", "openvino")
    )
    assert here == there


def test_the_floor_of_nearness_is_where_it_is_said_to_be(shop, taught):
    picture = next((taught / "pictures").glob("*/*.jpg"))
    golden = settings(shop)["golden"]
    # Half precision moves a cosine by less than the step taken here.
    settings(shop, golden=moved(golden, MIN_COSINE + 0.001))
    assert Learner.open(shop, threads=1).predict(picture).label
    settings(shop, golden=moved(golden, MIN_COSINE - 0.001))
    assert f"cosine {MIN_COSINE - 0.001:.3f}" in refusal(shop, picture)


def test_another_backbone_is_refused_by_name_however_near(shop, taught):
    settings(shop, backbone="0" * 64)
    message = refusal(shop, next((taught / "pictures").glob("*/*.jpg")))
    assert "efficientnet_lite0" in message
    assert "another backbone" in message


def test_another_preprocessing_is_refused_before_anything_is_computed(shop, taught, tmp_path):
    bundle = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["input"]["crop_pct"] = 0.5
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    message = refusal(shop, next((taught / "pictures").glob("*/*.jpg")), bundle=bundle)
    assert "another preprocessing" in message
    assert f"--backbone {bundle}" in message


def test_a_store_from_before_golden_features_takes_its_own_fingerprint_alone(shop, taught):
    picture = next((taught / "pictures").glob("*/*.jpg"))
    settings(shop, golden=None, backbone=None, preprocessing=None)
    assert Learner.open(shop, threads=1).predict(picture).label
    settings(shop, fingerprint="0" * 64)
    assert "another origin" in refusal(shop, picture)


def test_golden_features_of_another_fingerprint_vouch_for_nothing(shop, taught):
    settings(shop, fingerprint="0" * 64)
    assert "another origin" in refusal(shop, next((taught / "pictures").glob("*/*.jpg")))


@pytest.mark.parametrize("kept", ["", "AAAA", "?", base64.b64encode(np.zeros(8, "<f2").tobytes()).decode()])
def test_golden_features_that_cannot_be_compared_are_far(kept):
    assert nearness(kept, np.ones((2, 4), np.float32)) == -1.0


def test_what_is_remembered_is_small(shop):
    kept = settings(shop)
    assert len(kept["golden"]) < 11_000
    assert len(kept["backbone"]) == len(kept["preprocessing"]) == 64
