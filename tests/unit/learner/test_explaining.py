"""Where it looked: `Learner.explain` and `predict --explain`."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from edge_tosca import EdgeToscaError, Learner
from edge_tosca.runtime.bundle import DEFAULT_BUNDLE


def frame(label, seed, size=224):
    """Grey noise with a patch in the lower right corner whose stripes are the class."""
    rng = np.random.default_rng([label, seed])
    pixels = rng.normal(128, 12, (size, size, 3))
    across = np.arange(64)
    stripes = np.where((across // 8) % 2, 240, 20)
    patch = stripes[None, :] if label == 0 else stripes[:, None]
    pixels[144:208, 144:208] = np.broadcast_to(patch, (64, 64))[..., None] * [1, 0.5 + 0.5 * label, 1 - label]
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    learner = Learner.create(tmp_path_factory.mktemp("shop") / "shop.tosca", threads=1)
    learner.learn({"upright": [frame(0, seed) for seed in range(8)]}, force=True)
    learner.learn({"level": [frame(1, seed) for seed in range(8)]}, force=True)
    return learner


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "edge_tosca", *map(str, words)], capture_output=True, text=True
    )


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(frame(0, 99)).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_the_evidence_adds_up_and_lies_where_the_classes_differ(shop):
    found = shop.explain(frame(0, 99))
    assert found.label == found.answer.label == "upright"
    places = found.evidence.places
    assert places.shape == (7, 7)
    assert places.sum() == pytest.approx(found.evidence.score, rel=1e-9)
    z = shop.model.normalized(shop.vision.feature(frame(0, 99))[0][None])
    router = shop.model.router
    margins = router.scores(z)[1][0]
    group = [one.label for one in shop.model.state.groups].index("upright")
    wanted = router.mean_weights[group] * margins[group] + router.score_offsets[group]
    assert found.evidence.score == pytest.approx(float(wanted), rel=1e-3)
    # The crop omits an eighth of the picture; the patch lies in rows and columns 4 to 6 of 7.
    assert places[4:, 4:].mean() > 2 * places[:4, :4].mean()


def test_two_classes_have_opposite_maps(shop):
    one, other = (shop.explain(frame(0, 99), label).evidence.places for label in ("upright", "level"))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] < -0.9


def test_the_answer_is_that_of_predict(shop):
    pixels = frame(1, 50)
    assert shop.explain(pixels).answer == shop.predict(pixels).__class__(
        **{**shop.predict(pixels).__dict__, "milliseconds": {}}
    )


def test_an_unknown_label_and_a_single_class_are_refused_in_one_line(shop, tmp_path):
    with pytest.raises(EdgeToscaError, match="there is no class 'cup'; known: upright, level"):
        shop.explain(frame(0, 1), "cup")
    single = Learner.create(tmp_path / "single.tosca", threads=1)
    single.learn({"upright": [frame(0, seed) for seed in range(3)]}, force=True)
    with pytest.raises(EdgeToscaError, match="'upright' is the only class"):
        single.explain(frame(0, 1))


def test_predict_explain_draws_one_picture(shop, picture, tmp_path):
    out = tmp_path / "where.png"
    ran = run("predict", shop.store.path, picture, "--explain", out, "--json")
    assert ran.returncode == 0, ran.stderr
    evidence = json.loads(ran.stdout)["evidence"]
    assert evidence["label"] == "upright"
    assert np.sum(evidence["places"]) == pytest.approx(evidence["score"])
    assert Image.open(out).size == (448, 448)
    said = run("predict", shop.store.path, picture, "--explain", out).stdout
    assert "orange speaks for upright, purple against it" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--burst"], "--explain draws one picture"),
        (["{picture}"], "--explain draws one picture"),
    ],
)
def test_several_pictures_are_refused(shop, picture, tmp_path, words, reason):
    more = [word.format(picture=picture) for word in words]
    ran = run("predict", shop.store.path, picture, *more, "--explain", tmp_path / "where.png")
    assert ran.returncode == 1
    assert reason in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_file_that_cannot_be_written_is_refused_before_the_backbone_runs(shop, picture, tmp_path):
    for out in (tmp_path / "where.jpg", tmp_path / "missing" / "where.png"):
        ran = run("predict", shop.store.path, picture, "--explain", out)
        assert ran.returncode == 1
        assert "cannot be written" in ran.stderr


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "has no map of places"),
        ({"name": "feature_map"}, "'feature_map' is malformed"),
        ({"name": "other", "shape": [1280, 7, 7]}, "its graph has no output 'other'"),
        ({"name": "feature_map", "shape": [1280, 9, 9]}, "is no map of shape"),
    ],
)
def test_a_backbone_without_a_map_is_refused_in_one_line_with_a_remedy(tmp_path, entry, reason):
    folder = shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest.pop("feature_map")
    path.write_text(json.dumps(manifest | ({} if entry is None else {"feature_map": entry})))
    learner = Learner.create(tmp_path / "shop.tosca", folder, threads=1)
    learner.learn_features(
        {name: np.random.default_rng(seed).random((4, 1904)) for seed, name in enumerate("ab")}, force=True
    )
    with pytest.raises(
        EdgeToscaError, match=r"so nothing shows where it looked; .*edge-tosca export"
    ) as refused:
        learner.explain(frame(0, 1))
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_store_from_before_there_were_levels_is_explained_with_the_new_graph(tmp_path):
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    old = FeatureExtractor(threads=1).bundle.supersedes[0]
    vision = FeatureExtractor(threads=1, made_with=old)
    assert vision.bundle.stands_for == old
    pixels = vision.bundle.preprocessing.crop(Image.fromarray(frame(0, 1)))
    feature = vision.backend.features(vision.bundle.preprocessing.normalise(pixels))
    from edge_tosca.vision.located_feature import map_of

    assert map_of(vision, pixels, feature).shape == (1280, 7, 7)
