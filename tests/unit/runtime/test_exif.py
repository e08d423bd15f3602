"""The orientation is read from EXIF of every shape, and no other entry costs a picture."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from png_files import png
from tiff_files import tiff

from edge_tosca.runtime import load_picture
from edge_tosca.runtime.exif import ExifFacts, read_exif, xmp_orientation

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
SHORT = 3

TURNS = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, 1),
}
"""What makes a picture upright, by EXIF 2.3, tag 274: where its first row and column belong."""


def block(orientation=6, *others, order="<", kind=SHORT):
    """EXIF with an orientation and other entries: (tag, type, number of values, their bytes)."""
    start = b"II*\0\x08\0\0\0" if order == "<" else b"MM\0*\0\0\0\x08"
    value = {1: "B", 3: "H", 4: "I", 9: "i"}.get(kind)
    own = str(orientation).encode() if value is None else struct.pack(order + value, orientation)
    entries = sorted([(0x112, kind, 1, own), *others])
    later, tail = 8 + 2 + 12 * len(entries) + 4, b""
    table = struct.pack(f"{order}H", len(entries))
    for tag, type_, count, raw in entries:
        if len(raw) <= 4:
            table += struct.pack(f"{order}HHI", tag, type_, count) + raw.ljust(4, b"\0")
        else:
            table += struct.pack(f"{order}HHII", tag, type_, count, later + len(tail))
            tail += raw
    return b"Exif\0\0" + start + table + bytes(4) + tail


def encoded(kind, exif):
    file = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    PHOTO.save(file, kind, exif=exif, **options)
    return file.getvalue()


ODD = {
    "resolution -1/0": (0x11A, 10, 1, struct.pack("<ii", -1, 0)),
    "resolution 0/0": (0x11A, 5, 1, bytes(8)),
    "unit as text": (0x128, 2, 2, b"2\0"),
    "maker as a fraction": (0x10F, 5, 1, struct.pack("<II", 1, 2)),
    "date of no text": (0x132, 4, 1, b"\xff\xff\xff\xff"),
    "description that is no text": (0x10E, 2, 8, b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\0"),
    "an unknown type": (0x11B, 77, 1, b"1234"),
    "an endless value": (0x13B, 2, 0xFFFFFFFF, b"\xff\xff\xff\x7f"),
    "EXIF directory nowhere": (0x8769, 4, 1, b"\xff\xff\xff\x7f"),
    "EXIF directory in a circle": (0x8769, 4, 1, struct.pack("<I", 8)),
    "GPS as a short": (0x8825, 3, 1, b"\x08\0"),
    "sub-directories": (0x14A, 4, 3, struct.pack("<III", 8, 8, 0xFFFFFFF0)),
    "XMP": (0x2BC, 1, 9, b"<x:xmp>\xff\xff"),
    "Windows title": (0x9C9B, 1, 3, b"abc"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_one_odd_entry_costs_neither_picture_nor_orientation(kind, odd):
    plain = np.asarray(load_picture(encoded(kind, b"")))
    for orientation in (1, 6):
        turned = np.asarray(load_picture(encoded(kind, block(orientation, ODD[odd]))))
        np.testing.assert_array_equal(turned, TURNS[orientation](plain))


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_orientation_of_every_format_is_made_upright(kind, orientation):
    if kind == "TIFF":
        plain = np.asarray(PHOTO)
        data = tiff(plain, 8, 2, tags={274: (SHORT, [orientation])})
    else:
        plain, data = np.asarray(load_picture(encoded(kind, b""))), encoded(kind, block(orientation))
    np.testing.assert_array_equal(np.asarray(load_picture(data)), TURNS[orientation](plain))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 9])
def test_an_orientation_of_another_type_is_read_too(kind, order):
    assert read_exif(block(8, order=order, kind=kind)).orientation == 8


@pytest.mark.parametrize("value", [0, 9, 255, 65535])
def test_an_orientation_that_is_none_turns_nothing(value):
    assert read_exif(block(value)) == ExifFacts()
    np.testing.assert_array_equal(np.asarray(load_picture(encoded("PNG", block(value)))), np.asarray(PHOTO))


@pytest.mark.parametrize("kept", range(0, 30, 3))
def test_a_block_that_is_cut_short_is_read_as_far_as_it_goes(kept):
    assert read_exif(block()[:kept]).orientation in (None, 6)
    assert read_exif(block()[:-1]).orientation == 6


def test_the_first_of_two_orientations_is_the_pictures():
    entries = struct.pack("<H", 2) + b"".join(struct.pack("<HHIHH", 0x112, 3, 1, one, 0) for one in (3, 6))
    assert read_exif(b"II*\0\x08\0\0\0" + entries).orientation == 3


@pytest.mark.parametrize(
    ("packet", "orientation"),
    [
        (b'<a tiff:Orientation="6"/>', 6),
        (b"<a tiff:Orientation = '8'/>", 8),
        (b"<tiff:Orientation>3</tiff:Orientation>", 3),
        (b'<a tiff:Orientation="9"/>', None),
        (b'\xff<a exif:Orientation="6"/>', None),
    ],
)
def test_the_orientation_of_xmp_is_read(packet, orientation):
    assert xmp_orientation(packet) == orientation


@given(st.binary(max_size=200))
def test_no_bytes_at_all_are_a_fault(data):
    for start in (b"", b"II*\0\x08\0\0\0", b"Exif\0\0MM\0*\0\0\0\x08"):
        facts = read_exif(start + data)
        assert facts.orientation is None or 1 <= facts.orientation <= 8
    xmp_orientation(data)


@given(st.binary(max_size=120))
def test_a_png_with_any_exif_is_read(data):
    pixels = np.zeros((2, 3, 3), np.uint8)
    assert sorted(load_picture(png(pixels, after=[(b"eXIf", data)])).size) == [2, 3]
