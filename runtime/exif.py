"""Read from EXIF and XMP what pixels depend on, and nothing else.

Cameras and programs write odd entries: a fraction over zero, a text where a number belongs, an offset to
nowhere. Here only the entries that are needed are read, each where it lies, so that no other one matters.
Source: EXIF 2.32 (CIPA DC-008), 4.6; TIFF 6.0, section 2; DCF 2.0 (CIPA DC-009) for the colour space.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_PREFIX = b"Exif\0\0"
_ORIENTATION, _EXIF, _INTEROPERABILITY, _COLOUR_SPACE = 0x0112, 0x8769, 0xA005, 0xA001
_INTEROPERABILITY_INDEX = 1
# Of the types that a number may have been written as: its format.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
_ASCII = 2
_ENTRIES_LIMIT = 1000
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])")


@dataclass(frozen=True)
class ExifFacts:
    """What EXIF states about pixels.

    Attributes:
        orientation: 1 to 8; None where none is stated.
        adobe_rgb: the colours are those of Adobe RGB (1998), which cameras name without embedding a profile.
    """

    orientation: int | None = None
    adobe_rgb: bool = False


def read_exif(block: bytes) -> ExifFacts:
    """Read an EXIF block, whatever its other entries are like.

    Args:
        block: as it lies in a file, with or without its prefix.

    Returns:
        What it states; what cannot be read is not stated.
    """
    while block.startswith(_PREFIX):
        block = block[len(_PREFIX) :]
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return ExifFacts()
    first = dict(_entries(block, order, struct.unpack_from(f"{order}I", block, 4)[0]))
    orientation = _number(first.get(_ORIENTATION), order)
    exif = dict(_entries(block, order, _number(first.get(_EXIF), order)))
    interoperability = dict(_entries(block, order, _number(exif.get(_INTEROPERABILITY), order)))
    _, index = interoperability.get(_INTEROPERABILITY_INDEX, (0, b""))
    # 1 is sRGB and 0xffff "another one"; 2 is no value of the standard, but cameras write it for Adobe RGB.
    space = _number(exif.get(_COLOUR_SPACE), order)
    adobe_rgb = space == 2 or (space != 1 and index[:3] == b"R03")
    return ExifFacts(orientation if orientation in range(1, 9) else None, adobe_rgb)


def xmp_orientation(packet: bytes) -> int | None:
    """Read the orientation that an XMP packet states.

    Args:
        packet: XML, in any encoding that keeps ASCII.

    Returns:
        1 to 8; None where none is stated.
    """
    found = _XMP_ORIENTATION.search(packet)
    return int(found[1]) if found else None


def _entries(block: bytes, order: str, offset: int | None) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Yield tag, type and the four bytes of the value of every entry of a directory that is there."""
    if not offset or offset + 2 > len(block):
        return
    (count,) = struct.unpack_from(f"{order}H", block, offset)
    found: set[int] = set()
    for place in range(offset + 2, offset + 2 + 12 * min(count, _ENTRIES_LIMIT), 12):
        if place + 12 > len(block):
            return
        tag, kind = struct.unpack_from(f"{order}HH", block, place)
        if tag not in found:
            found.add(tag)
            yield tag, (kind, block[place + 8 : place + 12])


def _number(entry: tuple[int, bytes] | None, order: str) -> int | None:
    if entry is None:
        return None
    kind, value = entry
    if kind == _ASCII:
        digits = value.split(b"\0")[0].strip()
        return int(digits) if digits.isdigit() else None
    if kind not in _NUMBERS:
        return None
    return int(struct.unpack_from(order + _NUMBERS[kind], value)[0])
