"""The feature of a region is that of the cropped picture, whatever the file's format and orientation."""

import numpy as np
import pytest
from PIL import Image

from edge_tosca.runtime.region import Region
from edge_tosca.vision.feature_extractor import FeatureExtractor

PART = Region(0.5, 0.25, 0.5, 0.5)


@pytest.fixture(scope="module")
def vision():
    return FeatureExtractor(threads=1)


@pytest.fixture(scope="module")
def scene(tmp_path_factory, draw_pictures):
    """A picture of 400 x 300 pixels with another picture in its region."""
    folder = draw_pictures(tmp_path_factory.mktemp("scene"), ("apple", "zebra"), count=1)
    whole = Image.open(folder / "zebra/000.jpg").resize((400, 300))
    whole.paste(Image.open(folder / "apple/000.jpg").resize((200, 150)), (200, 75))
    return whole


def feature(vision, source, region=None):
    (found,) = vision.extract([source], region=region)
    assert found.error is None, found.error
    return found.features


def test_of_pixels_and_of_a_lossless_file_it_is_that_of_the_crop(vision, scene, tmp_path):
    scene.save(tmp_path / "scene.png")
    crop = np.asarray(scene)[75:225, 200:400]
    expected = feature(vision, crop)
    assert np.array_equal(feature(vision, np.asarray(scene), PART), expected)
    assert np.array_equal(feature(vision, tmp_path / "scene.png", PART), expected)


def test_the_region_is_of_the_upright_picture(vision, scene, tmp_path):
    lying = scene.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.save(tmp_path / "lying.png", exif=exif)
    expected = feature(vision, np.asarray(scene)[75:225, 200:400])
    assert np.array_equal(feature(vision, tmp_path / "lying.png", PART), expected)


def test_a_large_jpeg_is_decoded_as_large_as_its_region_needs(vision, scene, tmp_path):
    scene.resize((3200, 2400), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg", quality=95)
    large = Image.open(tmp_path / "large.jpg")
    crop = np.asarray(large)[600:1800, 1600:3200]
    found, expected = feature(vision, tmp_path / "large.jpg", PART), feature(vision, crop)
    cosine = found @ expected / (np.linalg.norm(found) * np.linalg.norm(expected))
    # Reduced decoding keeps twice the input's side; docs/speed.md has 0.9993 on photographs.
    assert cosine > 0.99


def test_a_picture_too_small_for_the_region_is_an_error_of_that_picture(vision, scene, tmp_path):
    scene.resize((50, 50)).save(tmp_path / "small.png")
    scene.save(tmp_path / "scene.png")
    small, good = vision.extract([tmp_path / "small.png", tmp_path / "scene.png"], region=PART)
    assert small.features is None and small.error.startswith("small.png: region ")
    assert "25x25 pixels of 50x50" in small.error and good.features is not None
