from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edge_tosca.console.app_state.image_analysis import SHOWN_SIDE, jpeg_of
from edge_tosca.console.app_state.sharpness import BLURRED_BELOW, sharpness_of


@pytest.fixture(scope="module")
def photographs(shared_data):
    """Sixty photographs of three kinds, grey, at the size that is looked at."""
    paths = [
        path
        for kind in ("grocery/train", "clothing/train", "signdigits/all")
        for path in sorted((shared_data / kind).rglob("*.[jJ][pP]*[gG]"))[::90][:20]
    ]
    return [Image.open(path).convert("L") for path in paths]


def blurred_share(pictures):
    return np.mean([sharpness_of(np.asarray(picture)) < BLURRED_BELOW for picture in pictures])


def moved(picture):
    levels = np.asarray(picture, np.float32)
    return Image.fromarray(np.mean([np.roll(levels, n, 1) for n in range(12)], axis=0).astype(np.uint8))


def noisy(picture):
    noise = np.random.default_rng(0).normal(0, 3, (picture.height, picture.width))
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def test_photographs_are_sharp_and_blurred_or_moved_ones_are_not(photographs):
    assert len(photographs) >= 50
    assert blurred_share(photographs) <= 0.05
    soft = [picture.filter(ImageFilter.GaussianBlur(3)) for picture in photographs]
    assert blurred_share(soft) >= 0.95
    assert blurred_share([moved(one) for one in photographs]) >= 0.95
    # In a soft picture of little contrast the noise is the steepest edge.
    assert blurred_share([noisy(one) for one in soft]) >= 0.9


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (3, 2), (2000, 1500)])
def test_any_shape_has_a_sharpness(shape):
    assert 0 <= sharpness_of(np.zeros(shape, np.uint8)) < BLURRED_BELOW


def test_a_copy_to_be_shown_is_small_and_says_nothing_of_place_or_camera():
    photo = Image.new("RGB", (3000, 1000))
    exif = photo.getexif()
    exif[0x010F] = "Maker"
    content = BytesIO()
    photo.save(content, "JPEG", exif=exif)
    shown = Image.open(BytesIO(jpeg_of(Image.open(content))))
    assert max(shown.size) == SHOWN_SIDE
    assert not shown.getexif()
