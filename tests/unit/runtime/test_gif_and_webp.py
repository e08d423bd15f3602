"""GIF and WebP: what their files state about pixels, and what they do not need to."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture

RNG = np.random.default_rng(0)
PHOTO = Image.fromarray(RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8))
TURNED = b"Exif\0\0II*\0\x08\0\0\0\2\0" + struct.pack(
    "<HHIHHHHII", 0x112, 3, 1, 6, 0, 0x11A, 10, 1, 0xFFFFFF00
)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(data):
    return np.asarray(load_picture(data), np.int16)


def gif(screen, window, indices, palette, *, transparent=None, local=False):
    """A GIF of one picture inside a screen, with codes of 8 bits that are never compressed."""
    colours = np.asarray(palette, np.uint8).tobytes()
    assert len(palette) == 128
    flags = 0x86
    data = (
        b"GIF89a" + struct.pack("<HHBBB", *screen, 0 if local else flags, 0, 0) + (b"" if local else colours)
    )
    if transparent is not None:
        data += b"\x21\xf9\4\1\0\0" + bytes([transparent]) + b"\0"
    data += b"\x2c" + struct.pack("<HHHHB", *window, flags if local else 0) + (colours if local else b"")
    # A code that clears the table before it needs a ninth bit (code size 7: clear is 128, end 129).
    codes = []
    for at, index in enumerate(indices):
        if at % 100 == 0:
            codes.append(128)
        codes.append(index)
    packed = bytes([*codes, 129])
    blocks = b"".join(
        bytes([len(packed[at : at + 255])]) + packed[at : at + 255] for at in range(0, len(packed), 255)
    )
    return data + b"\7" + blocks + b"\0\x3b"


@pytest.mark.parametrize("local", [False, True])
def test_a_gif_means_its_palette_and_is_white_where_it_shows_nothing(local):
    palette = RNG.integers(0, 256, (128, 3))
    indices = RNG.integers(1, 128, 8 * 6)
    expected = palette[indices].reshape(6, 8, 3)
    np.testing.assert_array_equal(pixels(gif((8, 6), (0, 0, 8, 6), indices, palette, local=local)), expected)
    whole = np.full((10, 12, 3), 255)
    whole[3:9, 2:10] = expected
    inside = gif((12, 10), (2, 3, 8, 6), indices, palette, local=local)
    np.testing.assert_array_equal(pixels(inside), whole)
    key = indices[5]
    expected[(indices == key).reshape(6, 8)] = 255
    see_through = gif((8, 6), (0, 0, 8, 6), indices, palette, transparent=key, local=local)
    np.testing.assert_array_equal(pixels(see_through), expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_is_composited_on_white(mode):
    image = PHOTO.copy()
    if mode == "RGBA":
        image.putalpha(Image.fromarray(RNG.integers(0, 256, (24, 32), dtype=np.uint8)))
    source = np.asarray(image, np.float64)
    alpha = source[..., 3:] / 255 if mode == "RGBA" else 1.0
    found = pixels(encoded(image, "WEBP", lossless=True, exact=True))
    assert np.abs(found - (source[..., :3] * alpha + 255 * (1 - alpha))).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_metadata_change_no_pixel_of_a_webp_but_its_orientation(mode, lossless):
    image = PHOTO.convert(mode)
    plain = encoded(image, "WEBP", lossless=lossless)
    described = encoded(
        image, "WEBP", lossless=lossless, exif=TURNED, icc_profile=b"no profile", xmp=b"<x>\xff"
    )
    np.testing.assert_array_equal(pixels(described), np.rot90(pixels(plain), -1))
    xmp = encoded(image, "WEBP", lossless=lossless, xmp=b'<x tiff:Orientation="6"/>')
    np.testing.assert_array_equal(pixels(xmp), np.rot90(pixels(plain), -1))
    # What follows the pixels may be cut off.
    np.testing.assert_array_equal(pixels(described[:-5]), pixels(described))


def test_of_an_animation_the_first_picture_is_read():
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    for kind in ("WEBP", "GIF"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert load_picture(data).getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize("kept", [20, 30, 100])
def test_a_webp_without_its_pixels_is_refused(kept):
    with pytest.raises(PictureError, match="WebP"):
        load_picture(encoded(PHOTO, "WEBP")[:kept])
