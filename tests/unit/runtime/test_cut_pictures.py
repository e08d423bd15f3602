"""A picture that lacks only its end is read with a note; one that is cut in the middle is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime import extract
from edge_tosca.runtime.cut_jpeg import CUT_IN_LAST_ROW
from edge_tosca.runtime.picture_header import WITHOUT_END
from edge_tosca.runtime.pictures import decode_picture, open_picture

RNG = np.random.default_rng(0)
SCENE = Image.fromarray(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
    (640, 480), Image.Resampling.BICUBIC
)
NOISE = Image.fromarray(RNG.integers(0, 256, (40, 61, 3), dtype=np.uint8))

JPEGS = {
    "baseline": (SCENE, {}),
    "full chroma": (SCENE, {"subsampling": 0}),
    "progressive": (SCENE, {"progressive": True}),
    "grey": (SCENE.convert("L"), {}),
    "inks": (SCENE.convert("CMYK"), {}),
    "a restart every row": (SCENE, {"restart_marker_rows": 1}),
    "a restart every seven blocks": (SCENE, {"restart_marker_blocks": 7}),
    "small": (NOISE, {}),
    "progressive noise": (NOISE, {"progressive": True}),
}


def encoded(image, kind="JPEG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(data, shortest=None):
    decoded = decode_picture(open_picture(data), "cut", shortest)
    return np.asarray(decoded.image, np.int16), decoded.note


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_without_its_end_marker_has_all_of_its_pixels(name):
    image, options = JPEGS[name]
    data = encoded(image, **options)
    whole, note = read(data)
    assert note is None
    for lacking in (1, 2):
        pixels, note = read(data[:-lacking])
        np.testing.assert_array_equal(pixels, whole)
        assert note == WITHOUT_END


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_is_cut_in_its_last_blocks_is_read_up_to_them(name):
    image, options = JPEGS[name]
    data = encoded(image, **options)
    whole, _ = read(data)
    for lacking in (3, 5, 12):
        pixels, note = read(data[:-lacking])
        changed = np.flatnonzero((pixels != whole).any(axis=(1, 2)))
        assert note in (WITHOUT_END, CUT_IN_LAST_ROW)
        # Colour is smoothed over a pixel above the last row of blocks, which has 8 or 16 of them.
        assert len(changed) == 0 or changed[0] >= len(whole) - 17


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_is_cut_in_the_middle_is_refused(name, share):
    image, options = JPEGS[name]
    data = encoded(image, **options)
    with pytest.raises(PictureError, match="truncated"):
        read(data[: int(share * len(data))])


def test_a_jpeg_that_is_cut_between_two_scans_or_intervals_is_refused():
    progressive = encoded(SCENE, progressive=True)
    restarting = encoded(SCENE, restart_marker_rows=1)
    for data, marker in ((progressive, b"\xff\xda"), (restarting, b"\xff\xd3"), (restarting, b"\xff\xd4")):
        at = data.rfind(marker)
        for kept in (data[:at], data[: at + 2]):
            with pytest.raises(PictureError, match="truncated"):
                read(kept)


def test_a_cut_jpeg_is_read_at_a_reduced_size_too(bundle, backend):
    large = encoded(SCENE.resize((2048, 2048)), quality=90)
    whole, _ = read(large, 512)
    assert whole.shape == (512, 512, 3)
    pixels, note = read(large[:-2], 512)
    np.testing.assert_array_equal(pixels, whole)
    assert note == WITHOUT_END
    with pytest.raises(PictureError, match="truncated"):
        read(large[: len(large) // 2], 512)
    first, second = extract([large, large[:-1]], bundle.preprocessing, backend)
    assert (first.note, second.note, second.error) == (None, WITHOUT_END, None)
    np.testing.assert_array_equal(first.features, second.features)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP"])
def test_other_formats_may_lack_their_end_too(kind):
    # Of a PNG the last chunk and a checksum, of a GIF its trailer, of a BMP the zeros that fill up the last
    # row.
    lacking = {"PNG": (1, 4, 11, 12, 16), "GIF": (1, 2), "BMP": (1,)}[kind]
    data = encoded(NOISE, kind)
    whole, note = read(data)
    assert note is None
    for count in lacking:
        pixels, note = read(data[:-count])
        np.testing.assert_array_equal(pixels, whole)
        assert note == WITHOUT_END


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_other_formats_that_are_cut_in_the_middle_are_refused(kind, options, share):
    data = encoded(NOISE, kind, **options)
    with pytest.raises(PictureError) as caught:
        read(data[: int(share * len(data))])
    assert "\n" not in str(caught.value)


def test_bytes_after_a_pictures_end_are_no_note():
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(NOISE, kind)
        assert read(data + bytes(700))[1] is None
        assert read(data + b"trailing")[1] is None
    assert read(encoded(NOISE, "GIF") + bytes(700))[1] is None
