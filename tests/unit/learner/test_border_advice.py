"""A lesson whose classes are shown in a place of their own each gets advice; its verdict stays."""

import numpy as np
import pytest
from PIL import Image

from edge_tosca import Learner
from edge_tosca.runtime import Bundle, open_backend
from edge_tosca.runtime.golden import GOLDEN_PICTURES
from edge_tosca.vision.picture_areas import picture_areas

SIDE = 240


def background(place, number):
    """Stripes or squares, moved a little."""
    down, across = np.mgrid[:SIDE, :SIDE] + np.random.default_rng(number).integers(0, 8, 2)[:, None, None]
    if place == 0:
        return np.where((down // 12) % 2, 230, 40)[..., None] * [1, 0.9, 0.3]
    return np.where((across // 20 + down // 20) % 2, 200, 90)[..., None] * [0.2, 0.6, 1]


def frame(place, shown, number):
    """A place, with a disc of one of two similar colours in the middle."""
    pixels = background(place, number).astype(np.uint8)
    down, across = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    pixels[down**2 + across**2 < 40**2] = [[200, 40, 40], [190, 60, 50]][shown]
    return pixels


def taught(path, lesson):
    learner = Learner.create(path, threads=1)
    return learner.learn(lesson, force=True).gate


def test_places_that_differ_by_class_get_advice_and_places_that_all_share_none(tmp_path):
    each = {f"disc {k}": [frame(k, k, number) for number in range(6)] for k in range(2)}
    gate = taught(tmp_path / "each.tosca", each)
    assert any("lies at the border of the pictures" in sentence for sentence in gate.advice)
    assert not any("border" in reason for reason in gate.reasons)
    same = {f"disc {k}": [frame(n % 2, k, n + 10 * k) for n in range(6)] for k in range(2)}
    assert not any("border" in one for one in taught(tmp_path / "same.tosca", same).advice)


def test_a_lesson_of_one_class_is_not_judged(tmp_path):
    one = {"disc": [frame(0, 0, number) for number in range(6)]}
    assert not any("border" in sentence for sentence in taught(tmp_path / "one.tosca", one).advice)


def test_features_are_the_same_with_and_without_areas():
    bundle = Bundle.load()
    backend = open_backend(bundle, threads=1)
    pixels = [bundle.preprocessing(Image.fromarray(one.pixels())) for one in GOLDEN_PICTURES]
    plain, with_areas = list(backend.stream(pixels)), list(backend.stream(pixels, areas=True))
    for one, other in zip(plain, with_areas, strict=True):
        assert one.areas is None
        assert other.areas.shape == (3, 1280)
        assert np.array_equal(one.feature, other.feature)
        # The feature is the average of the map, up to the rounding of INT8.
        assert other.areas.sum(axis=0) / 49 == pytest.approx(one.feature[:1280], abs=0.1)


def test_the_areas_of_a_kept_copy_are_those_of_the_picture():
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    vision = FeatureExtractor(threads=1)
    (found,) = vision.extract([frame(1, 0, 0)], areas=True)
    assert picture_areas(vision, frame(1, 0, 0)) == pytest.approx(found.areas, rel=1e-5, abs=1e-4)
    assert picture_areas(vision, b"no picture") is None
