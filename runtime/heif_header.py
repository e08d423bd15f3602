"""Read the boxes of HEIC and AVIF files, which share a container.

Source: ISO/IEC 14496-12 (boxes), 23008-12 (HEIF: pitm, iinf, ipco, ipma, ispe, colr).
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from edge_tosca.errors import PictureError
from edge_tosca.runtime.cicp import cicp_colours
from edge_tosca.runtime.file_kinds import FileKind
from edge_tosca.runtime.picture_bounds import DECODED_PIXEL_LIMIT
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import PictureHeader
from edge_tosca.runtime.spliced_file import Piece

_META_LIMIT = 16_000_000
_BOXES_LIMIT = 10_000
_METADATA_ITEMS = (b"Exif", b"mime")
_NO_ITEM = b"skip"
_PROFILES = (b"prof", b"rICC")
_CROP = b"clap"


@dataclass(frozen=True)
class _Box:
    """A box inside bytes: its type, and the places of its content."""

    kind: bytes
    start: int
    stop: int


def read_heif_header(file: PictureFile, kind: FileKind) -> PictureHeader:
    """Read what a HEIC or AVIF file states.

    EXIF and XMP are hidden from the decoder: the container itself says how a picture is turned, and an odd
    entry would fail the decoding.

    Args:
        file: of the picture.
        kind: of the file, for messages.

    Returns:
        The header.

    Raises:
        PictureError: the file is cut short or damaged, or states colours or sizes that are not decoded.
    """
    meta = _meta(file, kind)
    if meta is None:
        raise PictureError(
            f"truncated or damaged {kind.name}, without a picture in it; take or copy it again"
        )
    place, data = meta
    try:
        properties = _properties(data)
        hidden = _metadata_items(data)
        primary = _of_primary(data, properties)
    except (struct.error, IndexError):
        raise PictureError(f"truncated or damaged {kind.name}; take or copy it again") from None
    for box in properties:
        if box.kind == b"ispe" and box.stop - box.start >= 12:
            width, height = struct.unpack_from(">II", data, box.start + 4)
            if width * height > DECODED_PIXEL_LIMIT:
                raise PictureError(
                    f"{width}x{height}: {kind.name} may have {DECODED_PIXEL_LIMIT // 10**6} megapixels; "
                    "scale it down"
                )
    if kind.format == "AVIF" and any(box.kind == _CROP for box in primary):
        raise PictureError("AVIF that is to be cropped when shown, which is not read; save it as JPEG")
    colours = [data[box.start : box.stop] for box in primary if box.kind == b"colr"]
    profiled = any(colour[:4] in _PROFILES for colour in colours)
    stated = next((colour for colour in colours if colour[:4] == b"nclx" and len(colour) >= 8), None)
    space = None
    if stated is not None and not profiled:
        space = cicp_colours(*struct.unpack_from(">HH", stated, 4))
    return PictureHeader(_without(file, [place + at for at in hidden]), colours=space)


def _meta(file: PictureFile, kind: FileKind) -> tuple[int, bytes] | None:
    """Return the place and content of the box meta, and see that every box is there to its end."""
    size = file.seek(0, io.SEEK_END)
    found, place = None, 0
    for _ in range(_BOXES_LIMIT):
        if place >= size:
            return found
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            break
        length, name = struct.unpack_from(">I4s", head)
        begin = 8
        if length == 1 and len(head) == 16:
            begin, length = 16, struct.unpack_from(">Q", head, 8)[0]
        length = length or size - place
        if length < begin or place + length > size:
            break
        if name == b"meta" and found is None:
            file.seek(place + begin)
            found = place + begin, file.read(min(length - begin, _META_LIMIT))
        place += length
    raise PictureError(f"truncated or damaged {kind.name}; take or copy it again")


def _boxes(data: bytes, start: int, stop: int) -> Iterator[_Box]:
    for _ in range(_BOXES_LIMIT):
        if start + 8 > stop:
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        begin = start + 8
        if length == 1:
            length, begin = struct.unpack_from(">Q", data, begin)[0], begin + 8
        end = start + length if length else stop
        if end < begin or end > stop:
            return
        yield _Box(kind, begin, end)
        start = end


def _inside(data: bytes, kind: bytes) -> _Box | None:
    # The box meta is a full box: version and flags come first.
    return next((box for box in _boxes(data, 4, len(data)) if box.kind == kind), None)


def _properties(data: bytes) -> list[_Box]:
    properties = _inside(data, b"iprp")
    if properties is None:
        return []
    for box in _boxes(data, properties.start, properties.stop):
        if box.kind == b"ipco":
            return list(_boxes(data, box.start, box.stop))
    return []


def _of_primary(data: bytes, properties: list[_Box]) -> list[_Box]:
    """Return the properties of the primary item; all of them where they cannot be told apart."""
    primary, all_of = _inside(data, b"pitm"), _inside(data, b"iprp")
    if primary is None or all_of is None:
        return properties
    item = struct.unpack_from(">I" if data[primary.start] else ">H", data, primary.start + 4)[0]
    found = []
    for box in _boxes(data, all_of.start, all_of.stop):
        if box.kind == b"ipma":
            found += _associated(data, box, item)
    return [properties[index - 1] for index in found if 0 < index <= len(properties)] or properties


def _associated(data: bytes, box: _Box, item: int) -> list[int]:
    version, flags = data[box.start], data[box.start + 3]
    (entries,) = struct.unpack_from(">I", data, box.start + 4)
    place, found = box.start + 8, []
    for _ in range(min(entries, _BOXES_LIMIT)):
        if place >= box.stop:
            break
        (one,) = struct.unpack_from(">I" if version else ">H", data, place)
        place += 4 if version else 2
        count, place = data[place], place + 1
        width = 2 if flags & 1 else 1
        for at in range(place, place + count * width, width):
            index = int.from_bytes(data[at : at + width]) & (0x7FFF if flags & 1 else 0x7F)
            if one == item:
                found.append(index)
        place += count * width
    return found


def _metadata_items(data: bytes) -> list[int]:
    """Return the places of the types of items that are metadata."""
    items = _inside(data, b"iinf")
    if items is None:
        return []
    first = items.start + (8 if data[items.start] else 6)
    found = []
    for box in _boxes(data, first, items.stop):
        # Versions 2 and 3 have a type, after the item's number and its protection.
        version = data[box.start]
        place = box.start + 4 + (6 if version == 3 else 4)
        if box.kind == b"infe" and version in (2, 3) and data[place : place + 4] in _METADATA_ITEMS:
            found.append(place)
    return found


def _without(file: PictureFile, places: list[int]) -> list[Piece]:
    pieces: list[Piece] = []
    done = 0
    for place in sorted(places):
        pieces += [range(done, place), _NO_ITEM]
        done = place + len(_NO_ITEM)
    return [*pieces, range(done, file.seek(0, io.SEEK_END))] if pieces else []
