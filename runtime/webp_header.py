"""Read the chunks of a WebP.

Source: RFC 9649, 2.7: a file is a RIFF of chunks, with VP8X first where it has metadata, alpha or an
animation.
"""

import io
import struct
from dataclasses import dataclass, field

from edge_tosca.runtime.colour_conversion import PROFILE_LIMIT
from edge_tosca.runtime.exif import ExifFacts, read_exif, xmp_orientation
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import WITHOUT_END, PictureHeader

_METADATA_LIMIT = 1 << 20
_PIXELS = (b"VP8 ", b"VP8L")
_ANIMATION_FLAG = 0x02
_METADATA_FLAGS = 0x20 | 0x08 | 0x04


@dataclass
class _Chunks:
    extended: bytes = b""
    kept: list[range] = field(default_factory=list)
    complete: bool = False
    profile: bytes | None = None
    exif: ExifFacts | None = None
    xmp: int | None = None
    cut: bool = False


def read_webp_header(file: PictureFile) -> PictureHeader:
    """Read what a WebP states, and leave out what no pixel depends on.

    Args:
        file: of the picture.

    Returns:
        The header. Its pieces are those of a file without metadata; an animation is left whole.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(4)
    stated = struct.unpack("<I", file.read(4).ljust(4, b"\0"))[0]
    # What follows the RIFF is no part of it.
    end = min(size, 8 + stated)
    found = _Chunks(cut=size < 8 + stated)
    place = 12
    while place + 8 <= end:
        file.seek(place)
        name, length = struct.unpack("<4sI", file.read(8))
        _read_chunk(file, name, length, range(place, place + 8 + length + length % 2), end, found)
        place += 8 + length + length % 2
    exif = found.exif or ExifFacts()
    animated = bool(found.extended) and found.extended[0] & _ANIMATION_FLAG
    return PictureHeader(
        [] if animated or not found.complete else _pieces(found),
        orientation=exif.orientation or found.xmp or 1,
        icc_profile=found.profile,
        note=WITHOUT_END if found.cut and found.complete and not animated else None,
    )


def _read_chunk(file: PictureFile, name: bytes, length: int, whole: range, end: int, found: _Chunks) -> None:
    if name == b"VP8X" and not found.extended:
        found.extended = file.read(min(length, 10))
    elif name == b"ICCP" and found.profile is None:
        found.profile = file.read(min(length, PROFILE_LIMIT + 1))
    elif name == b"EXIF" and found.exif is None:
        found.exif = read_exif(file.read(min(length, _METADATA_LIMIT)))
    elif name == b"XMP " and found.xmp is None:
        found.xmp = xmp_orientation(file.read(min(length, _METADATA_LIMIT)))
    # The byte that pads a chunk to an even length may be missing.
    elif name in (b"ALPH", *_PIXELS) and not found.complete and whole.start + 8 + length <= end:
        found.kept.append(range(whole.start, min(whole.stop, end)))
        found.complete = name in _PIXELS


def _pieces(found: _Chunks) -> list[bytes | range]:
    body: list[bytes | range] = [b"WEBP"]
    if len(found.extended) == 10:
        flags = bytes([found.extended[0] & ~_METADATA_FLAGS])
        body.append(struct.pack("<4sI", b"VP8X", 10) + flags + found.extended[1:])
    for chunk in found.kept:
        body += [chunk, bytes(len(chunk) % 2)]
    size = sum(len(piece) for piece in body)
    return [b"RIFF" + struct.pack("<I", size), *body]
