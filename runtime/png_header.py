"""Read the chunks of a PNG.

Source: PNG specification, third edition, 5 (chunks), 11.3.2 (colour, of which cICP comes first, then iCCP,
sRGB, gAMA with cHRM), 11.3.1.1 (tRNS), 11.3.4.3 (eXIf); ImageMagick for "Raw profile type".
"""

import io
import struct
import zlib
from dataclasses import dataclass, field

from edge_tosca.errors import PictureError
from edge_tosca.runtime.cicp import cicp_colours
from edge_tosca.runtime.colour_conversion import PROFILE_LIMIT, fits
from edge_tosca.runtime.colour_space import SRGB, ColourSpace
from edge_tosca.runtime.exif import ExifFacts, read_exif, xmp_orientation
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import WITHOUT_END, PictureHeader
from edge_tosca.runtime.spliced_file import Piece

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
_SMALL = frozenset({b"tRNS", b"cICP", b"sRGB", b"gAMA", b"cHRM"})
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_SMALL_LIMIT = 1024
_METADATA_LIMIT = 1 << 20
"""Bytes of EXIF or XMP that are read; the orientation lies near their beginning."""
_GREY, _COLOUR, _PALETTE = 0, 2, 3
_MODES = {_GREY: "L", 4: "L"}


@dataclass
class _Chunks:
    pieces: list[Piece] = field(default_factory=list)
    depth: int = 0
    colour_type: int = 0
    small: dict[bytes, bytes] = field(default_factory=dict)
    profile: bytes | None = None
    exif: ExifFacts | None = None
    xmp: int | None = None
    ended: bool = False


def read_png_header(file: PictureFile) -> PictureHeader:
    """Read what a PNG states, and leave out what no pixel depends on: text, profiles, EXIF, further frames.

    Args:
        file: of the picture.

    Returns:
        The header; an empty one where the first chunk is missing, for the decoder to judge.

    Raises:
        PictureError: it needs a chunk of another standard, or states colours that are not converted.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return PictureHeader()
    found = _Chunks([range(0, len(_SIGNATURE))])
    while len(start := file.read(8)) == 8 and not found.ended:
        length, name = struct.unpack(">I4s", start)
        place = file.seek(0, io.SEEK_CUR)
        if not _read_chunk(file, name, length, min(place + length + 4, size), found):
            return PictureHeader()
        if place + length + 4 > size:
            break
        file.seek(place + length + 4)
    return _header(found)


def _read_chunk(file: PictureFile, name: bytes, length: int, stop: int, found: _Chunks) -> bool:
    """Take what one chunk states; return False where the file does not begin with a whole header."""
    start = file.seek(0, io.SEEK_CUR)
    whole = range(start - 8, stop)
    if name == b"IHDR" and found.depth == 0:
        body = file.read(13)
        if length < 13 or len(body) < 13:
            return False
        found.depth, found.colour_type = body[8], body[9]
        found.pieces.append(whole)
    elif found.depth == 0:
        if name == b"CgBI":
            raise PictureError("a PNG in the form of iOS programs (CgBI), which is not read; save it again")
        return False
    elif name == b"IDAT" and start + length > stop:
        # Cut short: shortened to what is there, which may be all pixels without their checksum.
        found.pieces += [struct.pack(">I4s", stop - start, name), range(start, stop), bytes(4)]
    elif name in (b"IDAT", b"PLTE"):
        found.pieces.append(whole)
    elif name == b"IEND":
        found.ended = start + length + 4 <= stop
    elif name in _SMALL:
        found.small.setdefault(name, file.read(min(length, _SMALL_LIMIT)))
        if name == b"tRNS" and found.colour_type == _PALETTE:
            found.pieces.append(whole)
    elif name == b"iCCP" and found.profile is None:
        found.profile = _profile(file.read(min(length, PROFILE_LIMIT)), _MODES.get(found.colour_type, "RGB"))
    elif name == b"eXIf" and found.exif is None:
        found.exif = read_exif(file.read(min(length, _METADATA_LIMIT)))
    elif name in _TEXTS:
        _read_text(name, file.read(min(length, _METADATA_LIMIT)), found)
    elif not name[:1].islower() and name.isalpha():
        text = name.decode("ascii")
        raise PictureError(f"a PNG with an unknown chunk {text} that its pixels depend on; save it again")
    return True


def _profile(body: bytes, mode: str) -> bytes | None:
    """Return the profile of a chunk iCCP if it is one of these pixels; its content may unpack to anything."""
    _, _, packed = body.partition(b"\0")
    if packed[:1] != b"\0":
        return None
    unpacking = zlib.decompressobj()
    try:
        start = unpacking.decompress(packed[1:], 128)
        if not fits(start, mode):
            return None
        # One byte more than allowed shows that it is too large.
        return start + unpacking.decompress(unpacking.unconsumed_tail, PROFILE_LIMIT + 1 - len(start))
    except zlib.error:
        return None


def _read_text(name: bytes, body: bytes, found: _Chunks) -> None:
    keyword, _, text = body.partition(b"\0")
    if keyword in (b"Raw profile type exif", b"Raw profile type APP1") and found.exif is None:
        found.exif = read_exif(_raw_profile(_unpacked(name, text)))
    elif keyword == b"XML:com.adobe.xmp" and found.xmp is None:
        found.xmp = xmp_orientation(_unpacked(name, text))


def _unpacked(name: bytes, text: bytes) -> bytes:
    """Return the text of a chunk, up to a limit."""
    if name == b"tEXt":
        return text
    if name == b"iTXt":
        compressed, parts = text[:1] == b"\1", text[2:].split(b"\0", 2)
        if len(parts) < 3:
            return b""
        if not compressed:
            return parts[2]
        text = b"\0" + parts[2]
    try:
        return zlib.decompressobj().decompress(text[1:], _METADATA_LIMIT)
    except zlib.error:
        return b""


def _raw_profile(text: bytes) -> bytes:
    """Return the bytes of a profile that is written as name, length and hexadecimal digits."""
    digits = b"".join(text.split()[2:])
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))
    except ValueError:
        return b""


def _header(found: _Chunks) -> PictureHeader:
    exif = found.exif or ExifFacts()
    transparent = _transparent(found)
    cicp = found.small.get(b"cICP", b"")
    profile, colours = found.profile, None
    if len(cicp) == 4:
        profile, colours = None, cicp_colours(*cicp[:2])
        if cicp[2] != 0 or cicp[3] != 1:
            raise PictureError("a PNG of colours that are coded as in a video (cICP); save it as RGB")
    elif profile is None and b"sRGB" not in found.small:
        colours = _by_gamma(found.small)
    return PictureHeader(
        [*found.pieces, _END],
        orientation=exif.orientation or found.xmp or 1,
        icc_profile=profile,
        colours=colours,
        transparent=transparent,
        note=None if found.ended else WITHOUT_END,
    )


def _transparent(found: _Chunks) -> tuple[int, ...]:
    """Return the samples of the transparent colour, as decoded: scaled to 8 bits below 16."""
    body = found.small.get(b"tRNS", b"")
    count = {_GREY: 1, _COLOUR: 3}.get(found.colour_type, 0)
    if count == 0 or len(body) < 2 * count:
        return ()
    if found.depth == 16 and count == 3:
        raise PictureError("a PNG of 16 bits with a transparent colour, which is not read; save it with 8")
    samples = struct.unpack_from(f">{count}H", body)
    if found.depth == 16:
        return samples
    # Only the low bits count.
    most = (1 << found.depth) - 1
    return tuple((sample & most) * 255 // most for sample in samples)


def _by_gamma(small: dict[bytes, bytes]) -> ColourSpace | None:
    gamma, chromaticities = small.get(b"gAMA", b""), small.get(b"cHRM", b"")
    values = {}
    if len(gamma) == 4 and int.from_bytes(gamma):
        values["curve"] = (1e5 / int.from_bytes(gamma),)
    space = SRGB
    if len(chromaticities) == 32:
        white, red, green, blue = ((x / 1e5, y / 1e5) for x, y in struct.iter_unpack(">II", chromaticities))
        space = ColourSpace(red, green, blue, white)
    if values:
        space = ColourSpace(space.red, space.green, space.blue, space.white, **values)
    return space if space.is_possible and not space.is_srgb else None
