"""Colours that a file states are those that come out, and those of sRGB are left to the last bit."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms
from png_files import png
from tiff_files import tiff

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture
from edge_tosca.runtime.colour_space import ADOBE_RGB, BT2020, DISPLAY_P3, SRGB, ColourSpace

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
PHOTO = Image.fromarray(PIXELS)
GREY = PHOTO.convert("L")
PLAIN_PNG = np.asarray(load_picture(png(PIXELS)))
LINEAR = ColourSpace(curve=(1.0,))

LEVELS = 1
"""That LittleCMS may round otherwise than the formula."""


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(data):
    return np.asarray(load_picture(data), np.float64)


def srgb_light(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def srgb_values(light):
    light = light.clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def matrix(space):
    """Lindbloom, "RGB/XYZ Matrices"."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in (space.red, space.green, space.blue)]).T
    x, y = space.white
    return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])


def meant(values, space):
    """Values of a space of the white of sRGB, in sRGB."""
    light = srgb_light(values / 255) if space.curve == SRGB.curve else (values / 255) ** space.curve[0]
    return 255 * srgb_values(light @ (np.linalg.inv(matrix(SRGB)) @ matrix(space)).T)


SPACES = {"Display P3": DISPLAY_P3, "Adobe RGB": ADOBE_RGB, "BT.2020": BT2020, "linear": LINEAR}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_profile_of_wide_colours_is_converted_by_its_formula(kind, name):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(PHOTO, kind, icc_profile=SPACES[name].profile(), **options)
    assert np.abs(pixels(data) - meant(PIXELS, SPACES[name])).max() <= LEVELS


def test_a_profile_of_a_jpeg_is_read_whole_from_its_parts_or_not_at_all():
    plain = pixels(encoded(PHOTO, "JPEG", quality=95, subsampling=0))
    profile = DISPLAY_P3.profile()
    # Longer than one segment can be, by a tag that nobody reads.
    long = profile + bytes(150_000)
    long = struct.pack(">I", len(long)) + long[4:]
    for one in (profile, long):
        data = encoded(PHOTO, "JPEG", quality=95, subsampling=0, icc_profile=one)
        assert np.abs(pixels(data) - meant(plain, DISPLAY_P3)).max() <= LEVELS
    assert data.count(b"ICC_PROFILE") == 3
    missing = data.replace(b"ICC_PROFILE\0\2", b"ICC_PROFILE\0\7")
    np.testing.assert_array_equal(pixels(missing), plain)


def test_colours_of_transparent_pixels_are_converted_before_they_are_put_on_white():
    image = PHOTO.copy()
    alpha = RNG.integers(0, 256, (24, 32), dtype=np.uint8)
    image.putalpha(Image.fromarray(alpha))
    share = alpha[..., None] / 255
    expected = meant(PIXELS, DISPLAY_P3) * share + 255 * (1 - share)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})):
        data = encoded(image, kind, icc_profile=DISPLAY_P3.profile(), **options)
        assert np.abs(pixels(data) - expected).max() <= LEVELS + 0.5


def test_a_palette_has_the_colours_of_its_profile():
    image = PHOTO.quantize(16)
    plain = np.asarray(image.convert("RGB"))
    data = encoded(image, icc_profile=DISPLAY_P3.profile())
    assert np.abs(pixels(data) - meant(plain, DISPLAY_P3)).max() <= LEVELS


@pytest.mark.parametrize(
    "profile",
    [SRGB.profile(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()],
    ids=["ours", "LittleCMS"],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("image", [PHOTO, GREY], ids=["colour", "grey"])
def test_srgb_by_any_name_is_left_to_the_last_bit(profile, kind, image):
    plain = pixels(encoded(image, kind))
    np.testing.assert_array_equal(pixels(encoded(image, kind, icc_profile=profile)), plain)


def grey_profile(gamma):
    """A profile of a grey scale (ICC.1:2010, 8.3.4), with one gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    table = struct.pack(">I4sII4sII", 2, b"kTRC", 156, len(curve), b"wtpt", 156 + len(curve), len(white))
    body = table + curve + white
    head = struct.pack(
        ">I4sI4s4s4s12s4s", 128 + len(body), b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"", b"acsp"
    )
    return (head + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + body


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_a_grey_picture_has_the_gamma_of_its_profile(kind, gamma):
    options = {"quality": 95} if kind == "JPEG" else {}
    plain = pixels(encoded(GREY, kind, **options))
    expected = 255 * srgb_values((plain / 255) ** gamma)
    found = pixels(encoded(GREY, kind, icc_profile=grey_profile(gamma), **options))
    assert np.abs(found - expected).max() <= LEVELS
    # Two samples of 16 bits with alpha are decoded to colours.
    if kind == "PNG":
        samples = np.dstack([np.asarray(GREY, np.int64) * 257, np.full((24, 32), 65535)])
        profile = b"grey\0\0" + zlib.compress(grey_profile(gamma))
        assert np.abs(pixels(png(samples, 16, 4, before=[(b"iCCP", profile)])) - expected).max() <= LEVELS


def ink_profile(corners):
    """A printer's profile: of every mixture of full inks its colour in 8-bit L*a*b* (ICC.1:2010, 10.9)."""
    identity = bytes(range(256))
    table = (
        b"mft1"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + b"".join(struct.pack(">i", one << 16) for one in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    )
    table += 4 * identity + bytes(np.asarray(corners, np.uint8)) + 3 * identity
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = struct.pack(">I4sII4sII", 2, b"A2B0", 156, len(table), b"wtpt", 156 + len(table), len(white))
    body = tags + table + white
    head = struct.pack(
        ">I4sI4s4s4s12s4s", 128 + len(body), b"", 0x02100000, b"prtr", b"CMYK", b"Lab ", b"", b"acsp"
    )
    return (head + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + body


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_have_the_colours_of_their_profile(kind):
    # In the order of the table the last ink changes first. Paper is white, cyan a middle green, all else
    # black.
    corners = [[0, 128, 128]] * 16
    corners[0], corners[8] = [255, 128, 128], [128, 80, 170]
    paper, cyan = (Image.new("CMYK", (32, 32), (full, 0, 0, 0)) for full in (0, 255))
    naive = load_picture(encoded(cyan, kind)).getpixel((5, 5))
    assert naive == (0, 255, 255)
    assert load_picture(encoded(paper, kind, icc_profile=ink_profile(corners))).getpixel((5, 5)) == (
        255,
        255,
        255,
    )
    red, green, blue = load_picture(encoded(cyan, kind, icc_profile=ink_profile(corners))).getpixel((5, 5))
    assert green > 120 > max(red, blue)


COLOUR_CHUNKS = {
    "sRGB": ([(b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 100_000))], None),
    "gamma of sRGB": ([(b"gAMA", struct.pack(">I", 45455))], None),
    "primaries of sRGB": (
        [(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))],
        None,
    ),
    "linear": ([(b"gAMA", struct.pack(">I", 100_000))], LINEAR),
    "gamma 1.8": ([(b"gAMA", struct.pack(">I", 55556))], ColourSpace(curve=(1 / 0.55556,))),
    "wide primaries": (
        [
            (b"gAMA", struct.pack(">I", 45455)),
            (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)),
        ],
        ColourSpace(green=(0.21, 0.71), curve=(1 / 0.45455,)),
    ),
    "codes of sRGB": ([(b"cICP", bytes((1, 13, 0, 1)))], None),
    "codes of Display P3": ([(b"cICP", bytes((12, 13, 0, 1)))], DISPLAY_P3),
    "codes before a profile": (
        [(b"iCCP", b"p\0\0" + zlib.compress(DISPLAY_P3.profile())), (b"cICP", bytes((1, 13, 0, 1)))],
        None,
    ),
    "impossible primaries": ([(b"cHRM", struct.pack(">8I", *[33000] * 8))], None),
    "no gamma": ([(b"gAMA", bytes(4))], None),
}


@pytest.mark.parametrize("name", COLOUR_CHUNKS)
def test_colours_that_a_png_states_without_a_profile(name):
    chunks, space = COLOUR_CHUNKS[name]
    found = pixels(png(PIXELS, before=chunks))
    if space is None:
        np.testing.assert_array_equal(found, PLAIN_PNG)
    else:
        assert np.abs(found - meant(PIXELS, space)).max() <= LEVELS


@pytest.mark.parametrize(
    "codes", [(9, 16, 0, 1), (9, 18, 0, 1), (1, 13, 1, 1), (1, 13, 0, 0), (22, 13, 0, 1)]
)
def test_codes_that_are_not_converted_are_refused_in_one_line(codes):
    with pytest.raises(PictureError, match="RGB") as caught:
        load_picture(png(PIXELS, before=[(b"cICP", bytes(codes))]))
    assert "\n" not in str(caught.value)


def exif_of(space, index):
    """EXIF as cameras write it: colour space, and the index of the interoperability directory."""
    first = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
    exif = struct.pack("<HHHIHHHHIII", 2, 0xA001, 3, 1, space, 0, 0xA005, 4, 1, 56, 0)
    last = struct.pack("<HHHI4sI", 1, 1, 2, 4, index, 0)
    return b"Exif\0\0II*\0\x08\0\0\0" + first + exif + last


@pytest.mark.parametrize(
    ("space", "index", "adobe"),
    [
        (1, b"R98\0", False),
        (0xFFFF, b"R03\0", True),
        (0xFFFF, b"R98\0", False),
        (2, b"R98\0", True),
        (1, b"R03\0", False),
    ],
)
def test_a_cameras_adobe_rgb_is_known_without_a_profile(space, index, adobe):
    plain = pixels(encoded(PHOTO, "JPEG", quality=95))
    found = pixels(encoded(PHOTO, "JPEG", quality=95, exif=exif_of(space, index)))
    if adobe:
        assert np.abs(found - meant(plain, ADOBE_RGB)).max() <= LEVELS
    else:
        np.testing.assert_array_equal(found, plain)
    # A profile is the file's last word.
    both = encoded(PHOTO, "JPEG", quality=95, exif=exif_of(space, index), icc_profile=SRGB.profile())
    np.testing.assert_array_equal(pixels(both), plain)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        bytes(1_500_000),
        DISPLAY_P3.profile()[:200],
        DISPLAY_P3.profile()[:128],
        grey_profile(1.8)[:140],
    ],
    ids=["text", "zeros", "cut", "header", "cut grey"],
)
def test_a_profile_that_is_none_is_disregarded(kind, profile):
    if kind == "JPEG" and len(profile) > 1_000_000:
        pytest.skip("Pillow writes no profile of this size into a JPEG")
    np.testing.assert_array_equal(
        pixels(encoded(PHOTO, kind, icc_profile=profile)), pixels(encoded(PHOTO, kind))
    )


def test_a_profile_larger_than_any_is_refused_and_not_unpacked(monkeypatch):
    monkeypatch.setattr("edge_tosca.runtime.colour_conversion.PROFILE_LIMIT", 1000)
    monkeypatch.setattr("edge_tosca.runtime.png_header.PROFILE_LIMIT", 1000)
    large = DISPLAY_P3.profile() + bytes(2000)
    with pytest.raises(PictureError, match="colour profile"):
        load_picture(encoded(PHOTO, icc_profile=large))


def test_16_bits_have_the_colours_of_their_profile():
    samples = PIXELS.astype(np.int64) * 257
    data = tiff(samples, 16, 2, tags={34675: (7, DISPLAY_P3.profile())})
    assert np.abs(pixels(data) - meant(PIXELS, DISPLAY_P3)).max() <= LEVELS


def test_a_scaled_jpeg_is_converted_too():
    image = Image.new("RGB", (1024, 1024), (200, 40, 30))
    data = encoded(image, "JPEG", icc_profile=DISPLAY_P3.profile())
    assert load_picture(data, 256).size == (256, 256)
    assert load_picture(data, 256).getpixel((9, 9)) == load_picture(data).getpixel((9, 9)) != (200, 40, 30)
