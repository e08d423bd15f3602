"""Pictures of strangers, and the EXIF blocks inside them."""

import functools
import io
import struct
import zlib
from typing import Any

import numpy as np

# Pillow imports what reads a format when it first meets one; imported here, coverage guides through it.
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)
from tests.fuzz.target import Target

from edge_tosca.runtime.colour_space import DISPLAY_P3
from edge_tosca.runtime.file_kinds import AVIF, HEIC
from edge_tosca.runtime.picture_formats import is_decoded
from edge_tosca.runtime.pictures import load_picture

_READERS = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)


def _read(data: bytes) -> None:
    load_picture(data, shortest=256)


def _read_exif(data: bytes) -> None:
    """Put the bytes where each format keeps its EXIF block."""
    if data:
        containers = (_jpeg_with, _png_with, _webp_with)
        load_picture(containers[data[0] % len(containers)](data[1:]))


def _pictures() -> list[bytes]:
    rng = np.random.default_rng(0)
    pixels = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
    text = PngImagePlugin.PngInfo()
    text.add_text("note", "a" * 40, zip=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    kinds = [
        ("JPEG", pixels, {"exif": exif}),
        ("JPEG", pixels, {"progressive": True, "icc_profile": b"icc" * 9}),
        ("JPEG", pixels.convert("CMYK"), {}),
        ("JPEG", pixels.convert("L"), {"restart_marker_rows": 1}),
        ("MPO", pixels, {"frames": 2}),
        ("PNG", pixels, {"pnginfo": text, "icc_profile": b"icc" * 9, "exif": exif}),
        ("PNG", pixels.convert("P"), {"transparency": 3}),
        ("PNG", pixels.convert("I;16"), {}),
        ("PNG", pixels.convert("1"), {}),
        ("PNG", pixels, {"frames": 2}),
        ("BMP", pixels, {}),
        ("BMP", pixels.convert("P"), {}),
        ("GIF", pixels.convert("P"), {"frames": 2}),
        ("WEBP", pixels, {"exif": exif}),
        ("WEBP", pixels, {"lossless": True}),
        ("WEBP", pixels, {"frames": 2}),
        ("TIFF", pixels, {"compression": "tiff_lzw"}),
        ("TIFF", pixels, {"compression": "jpeg"}),
        ("TIFF", pixels, {"compression": "tiff_adobe_deflate", "exif": exif}),
        ("TIFF", pixels.convert("1"), {"compression": "group4"}),
        ("TIFF", pixels.convert("F"), {}),
        ("TIFF", pixels, {"frames": 2}),
        ("JPEG", pixels, {"icc_profile": DISPLAY_P3.profile()}),
        ("PNG", pixels.convert("RGBA"), {"icc_profile": DISPLAY_P3.profile()}),
        ("TIFF", pixels.convert("LAB"), {}) if features.check("littlecms2") else ("TIFF", pixels, {}),
        *([("AVIF", pixels, {"exif": exif})] if is_decoded(AVIF) else []),
    ]
    found = [_encoded(image, kind, options) for kind, image, options in kinds]
    if is_decoded(HEIC):
        from pillow_heif import from_pillow

        file = io.BytesIO()
        from_pillow(pixels).save(file)
        found.append(file.getvalue())
    # Without its end marker a JPEG is decoded twice more.
    return [*found, found[0][:-2]]


def _exif_blocks() -> list[bytes]:
    blocks = []
    for order in ("<", ">"):
        for orientation in (1, 6, 9):
            entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
            pointer = struct.pack(f"{order}HHII", 0x8769, 4, 1, 8)
            text = struct.pack(f"{order}HHII", 0x010E, 2, 20, 50)
            tail = struct.pack(f"{order}I", 0) + b"a description of it"
            head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 3)
            blocks.append(bytes([orientation]) + head + text + entry + pointer + tail)
    return blocks


def _encoded(image: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    others = dict(options)
    if others.pop("frames", 1) > 1:
        others |= {"save_all": True, "append_images": [image.rotate(90)]}
    file = io.BytesIO()
    # A copy: Pillow leaves an encoder's settings in what it has saved.
    image.copy().save(file, kind, **others)
    return file.getvalue()


@functools.cache
def _plain(kind: str) -> bytes:
    return _encoded(Image.new("RGB", (8, 8)), kind, {})


def _jpeg_with(exif: bytes) -> bytes:
    block = b"Exif\0\0" + exif[:65_000]
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(block) + 2) + block + _plain("JPEG")[2:]


def _png_with(exif: bytes) -> bytes:
    block = b"eXIf" + exif
    chunk = struct.pack(">I", len(exif)) + block + struct.pack(">I", zlib.crc32(block))
    # After the signature and the header chunk.
    return _plain("PNG")[:33] + chunk + _plain("PNG")[33:]


def _webp_with(exif: bytes) -> bytes:
    block = b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2)
    extended = b"VP8X" + struct.pack("<IIHBHB", 10, 8, 7, 0, 7, 0)
    body = b"WEBP" + extended + _plain("WEBP")[12:] + block
    return b"RIFF" + struct.pack("<I", len(body)) + body


_WORDS = (
    *(bytes([0xFF, marker]) for marker in (0xC0, 0xC1, 0xC2, 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xE1, 0xE2)),
    *(b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"zTXt"),
    *(b"iTXt", b"eXIf", b"tIME", b"pHYs"),
    *(b"RIFF", b"WEBP", b"VP8 ", b"VP8L", b"VP8X", b"ANIM", b"ANMF", b"ALPH", b"EXIF", b"XMP ", b"ICCP"),
    *(b"GIF87a", b"GIF89a", b"\x21\xf9\x04", b"\x21\xfe", b"\x21\xff\x0bNETSCAPE2.0", b"\x2c"),
    *(b"ftyp", b"heic", b"avif", b"mif1", b"meta", b"iinf", b"infe", b"ipco", b"ipma", b"ispe", b"colr"),
    *(b"cICP", b"gAMA", b"cHRM", b"sRGB", b"acsp", b"mntr", b"RGB ", b"GRAY", b"CMYK", b"para", b"curv"),
    *(b"nclx", b"mft1"),
    *(b"BM", b"II*\0", b"MM\0*", b"II+\0", b"Exif\0\0", b"MPF\0", b"ICC_PROFILE\0", b"Adobe\0"),
    *(struct.pack("<H", tag) for tag in (256, 257, 258, 259, 262, 273, 274, 277, 278, 322, 323, 324, 347)),
    *(b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"tiff:Orientation=\"6\""),
)  # fmt: skip

TARGETS = {
    "picture": Target(_read, _pictures, words=_WORDS, most=4096),
    "exif": Target(_read_exif, _exif_blocks, words=_WORDS, most=1024),
}
