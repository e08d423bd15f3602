"""Every layout of a PNG's pixels comes out as its specification says, or is refused in one line."""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from png_files import chunk, png

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture

GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, COLOUR: 3, PALETTE: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
DEPTHS = {
    GREY: (1, 2, 4, 8, 16),
    COLOUR: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    COLOUR_ALPHA: (8, 16),
}
LAYOUTS = [
    (colour_type, bits, transparent)
    for colour_type, depths in DEPTHS.items()
    for bits in depths
    for transparent in (False, True)
    if not (transparent and colour_type in (GREY_ALPHA, COLOUR_ALPHA))
]


def drawn(colour_type, bits, transparent):
    """Samples, the chunks that go with them, and the colours that they mean on white."""
    rng = np.random.default_rng(bits + 10 * colour_type)
    most = 2**bits - 1
    samples = rng.integers(0, most + 1, (11, 13, SAMPLES[colour_type]))
    alpha, chunks = np.ones((11, 13, 1)), []
    if colour_type == PALETTE:
        palette = rng.integers(0, 256, (2**bits, 3))
        chunks.append((b"PLTE", palette.astype(np.uint8).tobytes()))
        colours = palette[samples[..., 0]]
        if transparent:
            # The last entry has none, and is opaque.
            levels = rng.integers(0, 256, most)
            chunks.append((b"tRNS", levels.astype(np.uint8).tobytes()))
            alpha = np.append(levels, 255)[samples] / 255
    else:
        count = 3 if colour_type in (COLOUR, COLOUR_ALPHA) else 1
        colours = 255 * np.broadcast_to(samples[..., :count], (11, 13, 3)) / most
        if transparent:
            key = samples[2, 3]
            chunks.append((b"tRNS", key.astype(">u2").tobytes()))
            alpha = 1.0 - (samples == key).all(axis=-1, keepdims=True)
        elif colour_type in (GREY_ALPHA, COLOUR_ALPHA):
            alpha = samples[..., count:] / most
    return samples, chunks, colours * alpha + 255 * (1 - alpha)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "bits", "transparent"), LAYOUTS)
def test_a_layout_is_read_as_the_specification_says(colour_type, bits, transparent, interlaced):
    samples, chunks, expected = drawn(colour_type, bits, transparent)
    data = png(samples, bits, colour_type, before=chunks, interlaced=interlaced)
    if (colour_type, bits, transparent) == (COLOUR, 16, True):
        # Its colour could only be told from its neighbours with all 16 bits.
        with pytest.raises(PictureError, match="16 bits with a transparent colour"):
            load_picture(data)
        return
    found = np.asarray(load_picture(data), np.float64)
    # Of 16 bits the high byte is kept, of the colour and of the alpha.
    assert np.abs(found - expected).max() <= (0.5 if bits < 16 else 2) + 1e-6


@pytest.mark.parametrize(
    ("colour_type", "bits"), [(GREY, 4), (GREY, 16), (COLOUR, 8), (COLOUR, 16), (PALETTE, 8)]
)
def test_opencv_reads_the_same_pixels(colour_type, bits):
    cv2 = pytest.importorskip("cv2", reason="opencv is not installed")
    samples, chunks, _ = drawn(colour_type, bits, False)
    data = png(samples, bits, colour_type, before=chunks)
    other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    # OpenCV rounds 16 bits where Pillow cuts them.
    assert np.abs(np.asarray(load_picture(data), np.int16) - other).max() <= (bits == 16)


PIXELS = np.random.default_rng(5).integers(0, 256, (12, 16, 3))
UPRIGHT = np.asarray(load_picture(png(PIXELS)))
TURNED = b"MM\0*\0\0\0\x08\0\2" + struct.pack(">HHIHHHHII", 0x112, 3, 1, 6, 0, 0x128, 2, 0xFFFFFFF0, 7)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(
    "chunks",
    [
        [(b"eXIf", TURNED)],
        [(b"eXIf", b"Exif\0\0" + TURNED)],
        [(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<a tiff:Orientation="6"/>\xff\xfe<')],
        [(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n 38\n" + TURNED.hex().encode()))],
        [(b"tEXt", b"Raw profile type APP1\0\napp1\n 38\n" + TURNED.hex().encode() + b"0")],
    ],
    ids=["eXIf", "prefixed", "XMP", "raw profile", "raw profile with an odd digit"],
)
def test_every_place_of_the_orientation_is_read(chunks, place):
    turned = np.asarray(load_picture(png(PIXELS, **{place: chunks})))
    np.testing.assert_array_equal(turned, np.rot90(UPRIGHT, -1))


ODD = {
    "large profile": [(b"iCCP", b"a profile\0\0" + zlib.compress(bytes(3_000_000)))],
    "profile without a name": [(b"iCCP", b"no zero")],
    "profile in another method": [(b"iCCP", b"\0\1another method")],
    "broken profile": [(b"iCCP", b"broken\0\0" + b"\xff" * 99)],
    "large text": [(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(3_000_000)))],
    "much text": [(b"tEXt", b"workflow\0" + b"x" * 200_000)] * 10,
    "text that is none": [(b"iTXt", b"name\0\1\0\xff\xff\0\xff\0" + zlib.compress(bytes(2_000_000)))],
    "cut text": [(b"iTXt", b"name")],
    "empty": [(b"pHYs", b"")],
    "short colours": [(b"gAMA", b"\0"), (b"cHRM", b"short"), (b"sBIT", b"")],
    "an animation of no frame": [(b"acTL", struct.pack(">II", 0, 0)), (b"fcTL", b"\xff" * 26)],
    "EXIF to nowhere": [(b"eXIf", b"II*\0\xff\xff\xff\xff")],
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", ["before", "after"])
def test_metadata_of_any_size_and_shape_cost_no_picture(odd, place):
    np.testing.assert_array_equal(np.asarray(load_picture(png(PIXELS, **{place: ODD[odd]}))), UPRIGHT)


def test_a_wrong_checksum_of_metadata_costs_no_picture():
    data = png(PIXELS, before=[(b"tEXt", b"Comment\0good")])
    np.testing.assert_array_equal(np.asarray(load_picture(data.replace(b"good", b"bad!"))), UPRIGHT)


def test_of_an_animation_the_first_picture_is_read():
    file = io.BytesIO()
    frames = [Image.new("RGB", (20, 10), colour) for colour in ("red", "blue")]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    assert load_picture(file.getvalue()).getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize("name", [b"CgBI", b"ABCD"])
def test_pixels_that_depend_on_a_chunk_of_another_standard_are_refused(name):
    data = png(PIXELS)
    at = 8 if name == b"CgBI" else 33
    with pytest.raises(PictureError, match=name.decode()):
        load_picture(data[:at] + chunk(name, b"\0\0\0\0") + data[at:])


def test_no_two_chunks_are_needed_in_their_usual_order():
    for first, second in itertools.permutations([(b"tEXt", b"a\0b"), (b"eXIf", TURNED)]):
        np.testing.assert_array_equal(
            np.asarray(load_picture(png(PIXELS, before=[first], after=[second]))), np.rot90(UPRIGHT, -1)
        )
