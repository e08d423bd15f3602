"""Read the header of a BMP, and make explicit what a decoder may guess.

Source: Microsoft, BITMAPFILEHEADER, BITMAPINFOHEADER, BITMAPV4HEADER and BITMAPV5HEADER; OS/2 1.x and 2.x
bitmaps.
"""

import io
import struct

from edge_tosca.errors import PictureError
from edge_tosca.runtime.colour_conversion import PROFILE_LIMIT
from edge_tosca.runtime.colour_space import SRGB, ColourSpace
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import WITHOUT_END, PictureHeader
from edge_tosca.runtime.spliced_file import Piece

_FILE_HEADER, _CORE, _INFO, _OS2, _V4, _V5 = 14, 12, 40, 64, 108, 124
_RGB = 0
_CALIBRATED, _EMBEDDED = 0, int.from_bytes(b"MBED")


def read_bmp_header(file: PictureFile) -> PictureHeader:
    """Read what a BMP states.

    A palette of fewer colours than its bits can name is completed, because decoders take a short grey one for
    packed pixels of one bit or for levels of grey.

    Args:
        file: of the picture.

    Returns:
        The header; an empty one where the file's header is none, for the decoder to judge.

    Raises:
        PictureError: its pixels are of a kind that is decoded as another one.
    """
    file.seek(0)
    start = file.read(_FILE_HEADER + _V5)
    if len(start) < _FILE_HEADER + _CORE:
        return PictureHeader()
    pixels, size = struct.unpack_from("<II", start, 10)
    if size == _CORE:
        width, height, bits = (*struct.unpack_from("<HH", start, 18), struct.unpack_from("<H", start, 24)[0])
        compression, colours = _RGB, 0
    elif size >= _INFO and len(start) >= _FILE_HEADER + _INFO:
        width, height, bits, compression = struct.unpack_from("<ii2xHI", start, 18)
        (colours,) = struct.unpack_from("<I", start, 46)
    else:
        return PictureHeader()
    if size == _OS2 and compression >= 3:
        raise PictureError("an OS/2 bitmap in a compressed form, which is not read; save it as PNG")
    profile, space = (
        _colours(file, start, size) if size >= _V4 and len(start) >= _FILE_HEADER + _V4 else (None, None)
    )
    pieces, note = [], None
    if bits in (1, 4, 8):
        pieces = _with_whole_palette(file, start, size, bits, colours, pixels, compression)
    if compression == _RGB:
        lacking = pixels + (width * bits + 31) // 32 * 4 * abs(height) - _size(file)
        if 0 < lacking <= (-width * bits) % 32 // 8:
            pieces = [*(pieces or [range(0, _size(file))]), bytes(lacking)]
            note = WITHOUT_END
    return PictureHeader(pieces, icc_profile=profile, colours=space, note=note)


def _size(file: PictureFile) -> int:
    return file.seek(0, io.SEEK_END)


def _with_whole_palette(
    file: PictureFile, start: bytes, size: int, bits: int, colours: int, pixels: int, compression: int
) -> list[Piece]:
    entry = 3 if size == _CORE else 4
    room = max(0, (pixels - _FILE_HEADER - size) // entry) if pixels else 1 << bits
    file.seek(_FILE_HEADER + size)
    palette = file.read(entry * min(colours or 1 << bits, 1 << bits, room))
    palette = palette[: len(palette) // entry * entry]
    whole = palette.ljust(entry << bits, b"\0")
    ramp = all(whole[at * entry : at * entry + 3] == bytes([at] * 3) for at in range(1 << bits))
    if bits == 4 and ramp and compression == _RGB:
        raise PictureError("a BMP of the 16 darkest greys, which is not read; save it as PNG")
    header = bytearray(start[: _FILE_HEADER + size])
    struct.pack_into("<I", header, 10, len(header) + len(whole))
    if size != _CORE:
        struct.pack_into("<I", header, 46, 0)
    first = pixels or _FILE_HEADER + size + len(palette)
    return [bytes(header), whole, range(first, max(first, _size(file)))]


def _colours(file: PictureFile, start: bytes, size: int) -> tuple[bytes | None, ColourSpace | None]:
    (kind,) = struct.unpack_from("<I", start, 70)
    if kind == _EMBEDDED and size >= _V5 and len(start) >= _FILE_HEADER + _V5:
        place, length = struct.unpack_from("<II", start, 126)
        file.seek(_FILE_HEADER + place)
        return file.read(min(length, PROFILE_LIMIT + 1)), None
    if kind != _CALIBRATED:
        return None, None
    ends = [value / (1 << 30) for value in struct.unpack_from("<9i", start, 74)]
    gammas = [value / 65536 for value in struct.unpack_from("<3I", start, 110)]
    # Most programs that write this header leave these fields empty.
    if not any(ends) or not all(gammas):
        return None, None
    points = [ends[at : at + 3] for at in (0, 3, 6)]
    if any(sum(point) <= 0 for point in points):
        return None, None
    if max(gammas) - min(gammas) > 0.01:
        raise PictureError("a BMP with a gamma for each colour, which is not converted; save it as sRGB")
    red, green, blue = ((x / (x + y + z), y / (x + y + z)) for x, y, z in points)
    # The white is where all three are full.
    white = [sum(values) for values in zip(*points, strict=True)]
    at_white = (white[0] / sum(white), white[1] / sum(white))
    space = ColourSpace(red, green, blue, at_white if sum(white) > 1.5 else SRGB.white, (gammas[0],))
    return None, space if space.is_possible and not space.is_srgb else None
