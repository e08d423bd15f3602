"""The device prepares pictures exactly as the backbone's trainer did."""

import numpy as np
import pytest
from PIL import Image

from edge_tosca.runtime import Preprocessing, load_picture

SIZES = [(1, 1), (1, 60), (3, 200), (224, 224), (255, 257), (256, 256), (321, 240), (240, 321), (99, 2000)]
CONFIGURATIONS = [
    Preprocessing(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", 0.875),
    Preprocessing(224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear", 0.9),
    Preprocessing(97, (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.261, 0.276), "bicubic", 1.0),
]


def noise(width, height, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def timm_transform(preprocessing):
    data = pytest.importorskip("timm.data", reason="timm is not installed")
    return data.create_transform(
        preprocessing.size,
        is_training=False,
        mean=preprocessing.mean,
        std=preprocessing.std,
        interpolation=preprocessing.interpolation,
        crop_pct=preprocessing.crop_pct,
    )


@pytest.mark.parametrize("preprocessing", CONFIGURATIONS, ids=lambda p: f"{p.size}-{p.interpolation}")
def test_pixels_equal_timms_to_the_last_bit(preprocessing):
    transform = timm_transform(preprocessing)
    # Stated difference: none. Every operation is the same one in the same precision and order.
    for width, height in SIZES:
        image = noise(width, height)
        expected = transform(image).numpy()[None]
        np.testing.assert_array_equal(preprocessing(image), expected, err_msg=f"{width}x{height}")


def test_photographs_equal_timms_to_the_last_bit(shared_data):
    transform = timm_transform(CONFIGURATIONS[0])
    for path in sorted(shared_data.glob("*/test/*/*.jpg"))[::150]:
        image = load_picture(path)
        np.testing.assert_array_equal(CONFIGURATIONS[0](image), transform(image).numpy()[None])


def test_the_input_is_one_contiguous_float32_picture():
    pixels = CONFIGURATIONS[0](noise(300, 200))
    assert pixels.shape == (1, 3, 224, 224)
    assert pixels.dtype == np.float32
    assert pixels.flags["C_CONTIGUOUS"]
