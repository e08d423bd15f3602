"""A large JPEG is decoded scaled where that changes no answer, and every other picture exactly."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge_tosca.runtime import Preprocessing, extract, load_picture
from edge_tosca.runtime.golden import cosine
from edge_tosca.runtime.pictures import decoding_scale, open_picture

PREPROCESSING = Preprocessing(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", 0.875)
SHORTEST = PREPROCESSING.decoded_side


def encoded(image, fmt="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, fmt, **options)
    return buffer.getvalue()


def header(width, height, fmt="JPEG"):
    image = Image.new("L", (1, 1))
    image = image.resize((width, height))
    image.format = fmt
    return image


def scene(width=2560, height=1920, mode="RGB"):
    """Coarse shapes, fine texture and sharp edges, without a symmetry that would hide a wrong turn."""
    rng = np.random.default_rng(3)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    texture = rng.integers(-12, 13, (height, width, 1), dtype=np.int16)
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    edges = 60 * ((x * 3 + y) % 500 < 90).astype(np.int16)[:, :, None]
    return Image.fromarray(np.clip(pixels + texture + edges, 0, 255).astype(np.uint8)).convert(mode)


def crops(data):
    """What the backbone would see: from every pixel, and from what the decoder scaled."""
    scaled = load_picture(data, SHORTEST)
    assert min(scaled.size) < min(load_picture(data).size)
    exact = PREPROCESSING.crop(load_picture(data)).astype(np.int16)
    return exact, PREPROCESSING.crop(scaled, exact=False).astype(np.int16)


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [
        (4000, 3000, 4),
        (4056, 3040, 4),
        (3024, 4032, 4),
        (6400, 5120, 8),
        (3840, 2160, 4),
        (1920, 1080, 2),
        (1024, 1024, 2),
        (1022, 1022, 1),
        (640, 480, 1),
        (4001, 3000, 1),
        (4002, 3002, 2),
    ],
)
def test_a_camera_picture_is_scaled_as_far_as_its_sides_divide_and_the_margin_lets_it(width, height, scale):
    assert decoding_scale(header(width, height), SHORTEST) == scale


@given(st.integers(1, 9000), st.integers(1, 7000), st.integers(1, 2000))
def test_what_is_left_is_never_shorter_than_asked_nor_of_another_shape(width, height, shortest):
    class Header:
        format = "JPEG"
        size = width, height

    Header.width, Header.height = width, height
    scale = decoding_scale(Header, shortest)
    if width * height <= 24_000_000 and scale > 1:
        assert min(width, height) / scale >= shortest
        assert width % scale == height % scale == 0


@pytest.mark.parametrize("fmt", ["PNG", "WEBP", "TIFF", "BMP", "GIF", None])
def test_only_jpeg_is_scaled(fmt):
    assert decoding_scale(header(4000, 3000, fmt), SHORTEST) == 1


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": 0}),
        ("L", {}),
        ("CMYK", {}),
    ],
    ids=["baseline", "progressive", "full chroma", "grey", "CMYK"],
)
def test_every_kind_of_jpeg_looks_the_same_scaled(mode, options):
    exact, scaled = crops(encoded(scene(mode=mode), quality=90, **options))
    difference = np.abs(exact - scaled)
    # Between a photograph's every pixel and its quarter 0.2 to 0.4 grey levels were seen; a shift by one
    # pixel of this scene is 5 to 8 levels on average.
    assert difference.mean() < 0.6


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_to_a_scaled_picture(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exact, scaled = crops(encoded(scene(), quality=90, exif=exif))
    assert np.abs(exact - scaled).mean() < 0.6


def test_the_first_picture_of_a_phones_multi_picture_file_is_scaled():
    data = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 64))])
    assert data.count(b"\xff\xd8\xff") > 1
    exact, scaled = crops(data)
    assert np.abs(exact - scaled).mean() < 0.6


def test_a_scaled_jpeg_that_was_cut_short_is_still_refused(bundle, backend):
    data = encoded(scene(), quality=90)
    (result,) = extract([data[: len(data) // 2]], bundle.preprocessing, backend)
    assert "truncated" in result.error


def test_the_features_of_a_twelve_megapixel_jpeg_are_those_of_its_every_pixel(bundle, backend):
    data = encoded(scene(4000, 3000), quality=90)
    assert decoding_scale(open_picture(data), bundle.preprocessing.decoded_side) == 4
    (result,) = extract([data], bundle.preprocessing, backend)
    exact = backend.features(bundle.preprocessing(load_picture(data)))
    # FP32 features of photographs agree to 0.999; INT8 rounds a change of one grey level to 0.001.
    assert cosine(exact, result.features) > 0.997


@pytest.mark.parametrize(
    ("fmt", "width", "height"),
    [("JPEG", 640, 480), ("JPEG", 2051, 1501), ("PNG", 1600, 1280), ("WEBP", 1600, 1280)],
)
def test_where_nothing_is_scaled_the_features_are_those_of_timms_transform(
    bundle, backend, fmt, width, height
):
    data = pytest.importorskip("timm.data", reason="timm is not installed")
    preprocessing = bundle.preprocessing
    transform = data.create_transform(
        preprocessing.size,
        is_training=False,
        mean=preprocessing.mean,
        std=preprocessing.std,
        interpolation=preprocessing.interpolation,
        crop_pct=preprocessing.crop_pct,
    )
    picture = encoded(scene(width, height), fmt)
    expected = transform(Image.open(io.BytesIO(picture)).convert("RGB")).numpy()[None]
    (result,) = extract([picture], preprocessing, backend)
    np.testing.assert_array_equal(result.features, backend.features(expected))


def test_resizing_only_what_is_kept_is_off_by_one_grey_level_at_most():
    for width, height in [(1000, 750), (750, 1000), (1014, 760), (641, 1023), (256, 256)]:
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
        image = Image.fromarray(pixels)
        whole, kept = (PREPROCESSING.crop(image, exact=exact).astype(np.int16) for exact in (True, False))
        assert np.abs(whole - kept).max() <= 1
        assert np.mean(whole != kept) < 0.001
