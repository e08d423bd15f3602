"""Read the segments of a JPEG before its first scan.

Source: ITU-T T.81, annex B; ICC.1:2010, B.4 for profiles in several segments; Adobe's XMP specification,
part 3.
"""

import io
from dataclasses import dataclass, field

from edge_tosca.errors import PictureError
from edge_tosca.runtime.colour_space import ADOBE_RGB
from edge_tosca.runtime.exif import ExifFacts, read_exif, xmp_orientation
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import PictureHeader
from edge_tosca.runtime.spliced_file import Piece

_SOI, _EOI, _SOS, _TEM, _COM = 0xD8, 0xD9, 0xDA, 0x01, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_RESTARTS = range(0xD0, 0xD8)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_HIERARCHICAL = frozenset({0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE})
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_BLOCK = 512


@dataclass
class _Segments:
    pieces: list[Piece] = field(default_factory=list)
    exif: ExifFacts | None = None
    xmp: int | None = None
    icc: dict[int, bytes] = field(default_factory=dict)
    icc_count: int = 0


def read_jpeg_header(file: PictureFile) -> PictureHeader:
    """Read what a JPEG states, and leave out what no pixel depends on: all metadata.

    Args:
        file: of the picture.

    Returns:
        The header; an empty one where no scan is found, for the decoder to judge.

    Raises:
        PictureError: its samples are of a kind that is not decoded.
    """
    file.seek(0)
    if file.read(2) != bytes([0xFF, _SOI]):
        return PictureHeader()
    found = _Segments([range(0, 2)])
    while (marker := _next_marker(file)) is not None:
        start = file.seek(0, io.SEEK_CUR) - 2
        if marker == _SOS:
            found.pieces.append(range(start, file.seek(0, io.SEEK_END)))
            return _header(found)
        if marker in (_SOI, _EOI, _TEM, *_RESTARTS):
            continue
        length = int.from_bytes(file.read(2))
        if length < 2:
            return PictureHeader()
        if marker in _APPLICATION:
            _read_application(marker, file.read(length - 2), start, found)
        elif marker in _FRAMES or marker in _HIERARCHICAL:
            _check_frame(marker, file.read(length - 2))
            found.pieces.append(range(start, start + 2 + length))
        elif marker != _COM:
            found.pieces.append(range(start, start + 2 + length))
        file.seek(start + 2 + length)
    return PictureHeader()


def _next_marker(file: PictureFile) -> int | None:
    """Return the next marker, with the position after it; None at the end of the file."""
    while len(data := file.read(2)) == 2:
        if data[0] == 0xFF and data[1] not in (0, 0xFF):
            return data[1]
        if data[1] == 0xFF:
            # A fill byte, or the last one that belongs to no segment.
            file.seek(-1, io.SEEK_CUR)
        elif (ahead := file.read(_BLOCK)) and (place := ahead.find(b"\xff")) >= 0:
            file.seek(place - len(ahead), io.SEEK_CUR)
    return None


def _read_application(marker: int, body: bytes, start: int, found: _Segments) -> None:
    whole = range(start, start + 4 + len(body))
    # These two say how colours are coded.
    if (marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= 14) or (
        marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12
    ):
        found.pieces.append(whole)
    elif marker == _APP1 and body.startswith(_EXIF) and found.exif is None:
        found.exif = read_exif(body)
    elif marker == _APP1 and body.startswith(_XMP) and found.xmp is None:
        found.xmp = xmp_orientation(body)
    elif marker == _APP2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
        number, found.icc_count = body[len(_ICC)], body[len(_ICC) + 1]
        found.icc.setdefault(number, body[len(_ICC) + 2 :])


def _check_frame(marker: int, body: bytes) -> None:
    if len(body) < 6:
        return
    if marker in _HIERARCHICAL:
        raise PictureError("a hierarchical JPEG, which is not read; save it as an ordinary JPEG")
    if body[0] != 8:
        raise PictureError(f"a JPEG of {body[0]} bits a sample, which is not read; save it with 8")
    if body[1:3] == b"\0\0":
        raise PictureError("a JPEG that states no height; save it again")
    if body[5] not in (1, 3, 4):
        raise PictureError(f"a JPEG of {body[5]} components, which is not read; save it in grey or colour")


def _header(found: _Segments) -> PictureHeader:
    exif = found.exif or ExifFacts()
    numbers = range(1, found.icc_count + 1)
    # Of a profile in several segments all are needed.
    whole = bool(found.icc) and all(number in found.icc for number in numbers)
    profile = b"".join(found.icc[number] for number in numbers) if whole else None
    return PictureHeader(
        found.pieces,
        orientation=exif.orientation or found.xmp or 1,
        icc_profile=profile,
        colours=ADOBE_RGB if exif.adobe_rgb else None,
    )
