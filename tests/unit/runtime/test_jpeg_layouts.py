"""A JPEG of every coding of colours comes out right, whatever its metadata are, or is refused in one line."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture
from edge_tosca.runtime.pictures import open_picture

RNG = np.random.default_rng(0)
SMOOTH = Image.fromarray(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
    (64, 48), Image.Resampling.BICUBIC
)
PIXELS = np.asarray(SMOOTH, np.int16)


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **{"quality": 95, "subsampling": 0, **options})
    return file.getvalue()


def pixels(data):
    return np.asarray(load_picture(data), np.int16)


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(data, *segments):
    """A JPEG with further segments after its first one, and nothing else changed."""
    place = 4 + struct.unpack(">H", data[4:6])[0]
    return data[:place] + b"".join(segments) + data[place:]


def without_jfif(data):
    (length,) = struct.unpack(">H", data[4:6])
    assert data[2:4] == b"\xff\xe0"
    return data[:2] + data[4 + length :]


PLAIN = encoded(SMOOTH)


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        encoded(SMOOTH, subsampling=2),
        encoded(SMOOTH, progressive=True),
        encoded(SMOOTH.convert("L")),
        encoded(SMOOTH.convert("CMYK")),
        encoded(SMOOTH, keep_rgb=True),
        without_jfif(PLAIN),
        encoded(SMOOTH, restart_marker_rows=1),
    ],
    ids=["YCbCr", "subsampled", "progressive", "grey", "CMYK", "RGB", "no JFIF", "restarts"],
)
def test_opencv_reads_the_same_pixels(data):
    cv2 = pytest.importorskip("cv2", reason="opencv is not installed")
    other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    # Only CMYK is rounded in another way.
    assert np.abs(pixels(data) - other).max() <= 1


@pytest.mark.parametrize("options", [{}, {"keep_rgb": True}])
def test_colours_are_those_that_were_stored(options):
    assert np.abs(pixels(encoded(SMOOTH, **options)) - PIXELS).mean() < 2


def test_inks_are_inverted_as_photoshop_writes_them():
    data = encoded(SMOOTH.convert("CMYK"))
    assert b"Adobe\0\x64" in data
    assert np.abs(pixels(data) - PIXELS).mean() < 2
    # As luminance and colour difference (YCCK) the same samples mean other inks.
    changed = data.replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
    assert changed != data
    inks = np.asarray(Image.open(io.BytesIO(data)), np.float64)
    y, b, r, key = (255 - inks[..., at] for at in range(4))
    colours = [y + 1.402 * (r - 128), y - 0.344136 * (b - 128) - 0.714136 * (r - 128), y + 1.772 * (b - 128)]
    expected = (255 - np.stack(colours, -1).clip(0, 255)) * key[..., None] / 255
    assert np.abs(pixels(changed) - expected).max() <= 3


ODD = {
    "short JFIF": segment(0xE0, b"JFIF\0"),
    "short Adobe": segment(0xEE, b"Adobe"),
    "short profile": segment(0xE2, b"ICC_PROFILE\0"),
    "a profile's second half": segment(0xE2, b"ICC_PROFILE\0\2\2" + b"x" * 99),
    "short Photoshop": segment(0xED, b"Photoshop 3.0\x008BIM\4\4"),
    "Photoshop of no length": segment(0xED, b"Photoshop 3.0\x008BIM"),
    "no several pictures": segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "several pictures, nowhere": segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\1" + b"\xff" * 12),
    "FlashPix": segment(0xE2, b"FPXR\0\xff"),
    "XMP that is no text": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0\xff\xfe\0<"),
    "EXIF of nothing": segment(0xE1, b"Exif\0\0"),
    "EXIF to nowhere": segment(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    "EXIF in a circle": segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8)),
    "a comment": segment(0xFE, b"\xff\xd9\xff\xda" * 9),
    "fill bytes": b"\xff\xff\xff" + segment(0xFE, b""),
    "bytes of no segment": b"\0\0lost",
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_segment_costs_no_pixel(odd):
    np.testing.assert_array_equal(pixels(with_segments(PLAIN, ODD[odd])), pixels(PLAIN))


def test_a_picture_with_a_second_one_after_it_is_read_as_the_first():
    several = io.BytesIO()
    SMOOTH.save(several, "MPO", save_all=True, append_images=[SMOOTH.rotate(90)], quality=95, subsampling=0)
    assert np.abs(pixels(several.getvalue()) - PIXELS).mean() < 2
    assert open_picture(several.getvalue()).format == "JPEG"


FRAME = PLAIN.find(b"\xff\xc0")


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [
        (4, b"\x0c", "12 bits a sample"),
        (5, b"\0\0", "no height"),
        (9, b"\2", "2 components"),
        (1, b"\xc5", "hierarchical"),
    ],
)
def test_a_coding_that_is_not_decoded_is_named(offset, value, words):
    data = PLAIN[: FRAME + offset] + value + PLAIN[FRAME + offset + len(value) :]
    with pytest.raises(PictureError, match=words) as caught:
        load_picture(data)
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)
