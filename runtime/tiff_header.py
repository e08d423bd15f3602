"""Read the first directory of a TIFF, and refuse layouts of pixels that the decoder takes for others.

Source: TIFF 6.0; BigTIFF; Adobe's supplements for ICC profiles; DNG 1.6 for its tags. Which layouts the decoder reads
was tried with files of every one of them (tests/unit/runtime/test_tiff_layouts.py).
"""

import io
import struct
from dataclasses import dataclass

import numpy as np

from edge_tosca.errors import PictureError
from edge_tosca.runtime.colour_space import SRGB, ColourSpace
from edge_tosca.runtime.exif import xmp_orientation
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import PictureHeader
from edge_tosca.runtime.spliced_file import Piece

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
_ORIENTATION, _SAMPLES, _PLANAR, _TRANSFER, _WHITE, _PRIMARIES = 274, 277, 284, 301, 318, 319
_STRIP_OFFSETS, _STRIP_ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 322, 323, 324, 325
_COLOUR_MAP, _SUBDIRECTORIES, _INKS, _EXTRA, _FORMAT = 320, 330, 332, 338, 339
_COEFFICIENTS, _SUBSAMPLING, _REFERENCE = 529, 530, 532
_XMP, _ICC, _DNG_VERSION = 700, 34675, 50706
# What a decoder needs to find and unpack the pixels.
_NEEDED = (
    frozenset({_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _PLANAR})
    | frozenset({_STRIP_OFFSETS, _STRIP_ROWS, _STRIP_BYTES, 292, 293, 317, _COLOUR_MAP})
    | frozenset({_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES, _INKS, _EXTRA, _FORMAT, 347})
    | frozenset(range(512, 522))
    | frozenset({_COEFFICIENTS, _SUBSAMPLING, 531, _REFERENCE})
)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_SHORT = 3
_ENTRIES_LIMIT = 4096
_OFFSET_LIMIT = 1 << 62
_VALUE_LIMIT = 1 << 24
_PROFILE_LIMIT = 16_000_001
_RAW = 1
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INDEXED, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_CAMERA_RAW = (32803, 34892)


@dataclass
class TiffDirectory:
    """The entries of one directory; only those that are asked for are read.

    Attributes:
        file: the picture's file.
        order: of bytes, "<" or ">".
        big: a BigTIFF.
        entries: tag to its entry's bytes; the first where a tag is repeated.
    """

    file: PictureFile
    order: str
    big: bool
    entries: dict[int, bytes]

    def value(self, tag: int, limit: int = _VALUE_LIMIT) -> tuple[int, bytes]:
        """Return the type and the bytes of a tag's value; (0, b"") where it is missing or not there."""
        entry = self.entries.get(tag)
        if entry is None:
            return 0, b""
        kind, count, data = self._parts(entry)
        size = min(count * _SIZES.get(kind, 0), limit)
        if size > len(data):
            (place,) = struct.unpack(self.order + ("Q" if self.big else "I"), data)
            if place >= _OFFSET_LIMIT:
                return 0, b""
            self.file.seek(place)
            data = self.file.read(size)
        return kind, data[:size]

    def whole(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return a tag's whole numbers; the default where it has none."""
        kind, data = self.value(tag)
        if kind not in _WHOLE:
            return default
        count = len(data) // _SIZES[kind]
        return struct.unpack_from(f"{self.order}{count}{_WHOLE[kind]}", data) or default

    def fractions(self, tag: int) -> tuple[float, ...]:
        """Return a tag's fractions; empty where it has none, or one over zero."""
        kind, data = self.value(tag)
        if kind != 5:
            return ()
        pairs = list(struct.iter_unpack(f"{self.order}II", data[: len(data) // 8 * 8]))
        return tuple(top / bottom for top, bottom in pairs) if all(bottom for _, bottom in pairs) else ()

    def one(self, tag: int, default: int) -> int:
        """Return a tag's first whole number."""
        return self.whole(tag, (default,))[0]

    def _parts(self, entry: bytes) -> tuple[int, int, bytes]:
        _, kind, count = struct.unpack_from(self.order + ("HHQ" if self.big else "HHI"), entry)
        return kind, count, entry[12:] if self.big else entry[8:]


def read_directory(file: PictureFile) -> TiffDirectory | None:
    """Read the first directory of a TIFF.

    Args:
        file: of the picture.

    Returns:
        The directory; None where there is none.
    """
    file.seek(0)
    start = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(start[:2])
    if order is None or len(start) < 16:
        return None
    magic = struct.unpack_from(f"{order}H", start, 2)[0]
    if magic not in (42, 43):
        return None
    big = magic == 43
    (place,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", start, 8 if big else 4)
    if place >= _OFFSET_LIMIT:
        return None
    file.seek(place)
    size, wide = (20, 8) if big else (12, 2)
    head = file.read(wide)
    if len(head) < wide:
        return None
    (count,) = struct.unpack(order + ("Q" if big else "H"), head)
    table = file.read(size * min(count, _ENTRIES_LIMIT))
    entries: dict[int, bytes] = {}
    for at in range(0, len(table) // size * size, size):
        entry = table[at : at + size]
        entries.setdefault(struct.unpack_from(f"{order}H", entry)[0], entry)
    return TiffDirectory(file, order, big, entries)


def read_tiff_header(file: PictureFile) -> PictureHeader:
    """Read what a TIFF states, and leave out what no pixel depends on: further pages and all metadata.

    Args:
        file: of the picture.

    Returns:
        The header; an empty one where there is no directory, for the decoder to judge.

    Raises:
        PictureError: it is a camera's raw file, or of a layout that is not decoded.
    """
    directory = read_directory(file)
    if directory is None:
        return PictureHeader()
    if is_camera_raw(directory):
        raise PictureError("a camera's raw file, which is not read; save it as JPEG")
    photometric, bits = check_layout(directory)
    _check_extent(directory, max(bits))
    inverted = photometric == _WHITE_IS_ZERO and max(bits) == 16
    kind, profile = directory.value(_ICC, _PROFILE_LIMIT)
    _, packet = directory.value(_XMP)
    orientation = directory.one(_ORIENTATION, 0)
    if orientation not in range(1, 9):
        orientation = xmp_orientation(packet) or 1
    return PictureHeader(
        _pieces(directory, inverted),
        orientation=orientation,
        icc_profile=profile if kind else None,
        colours=None if kind or photometric not in (_RGB, _INDEXED) else _stated_colours(directory),
        bits=12 if max(bits) == 12 else 16,
        inverted=inverted,
    )


def is_camera_raw(directory: TiffDirectory) -> bool:
    """Return whether a TIFF is a raw file: what opens as a picture is a thumbnail, or a sensor's mosaic."""
    reduced = directory.one(_SUBFILE, 0) & 1 and _SUBDIRECTORIES in directory.entries
    return bool(
        _DNG_VERSION in directory.entries
        or directory.one(_PHOTOMETRIC, 0) in _CAMERA_RAW
        or reduced
        or directory.file.seek(8) == 8 and directory.file.read(2) == b"CR"
    )


def check_layout(directory: TiffDirectory) -> tuple[int, tuple[int, ...]]:
    """Raise for a layout of pixels that is decoded as another one.

    Args:
        directory: of the picture.

    Returns:
        Its photometric interpretation, and the bits of each sample.

    Raises:
        PictureError: the layout is not decoded.
    """
    photometric = directory.one(_PHOTOMETRIC, _WHITE_IS_ZERO)
    bits = directory.whole(_BITS, (1,))
    formats = set(directory.whole(_FORMAT, (1,)))
    extra = directory.whole(_EXTRA)
    raw = directory.one(_COMPRESSION, _RAW) == _RAW
    apart = directory.one(_PLANAR, 1) == 2 and directory.one(_SAMPLES, 1) > 1
    transparent = any(sample in (1, 2) for sample in extra)

    def refuse(what: str) -> None:
        raise PictureError(f"a TIFF {what}, which is not read; save it as PNG or as an ordinary TIFF")

    if len(set(bits)) > 1:
        refuse(f"of {', '.join(map(str, bits[:6]))} bits a sample")
    if 3 in formats:
        refuse("of floating point pixels")
    if 2 in formats and max(bits) < 32:
        refuse("of signed samples")
    if photometric == _CMYK and directory.one(_INKS, 1) != 1:
        refuse("of other inks than CMYK")
    turned = directory.one(_FILL_ORDER, 1) == 2
    if apart and (turned or (raw and max(bits) > 8) or (transparent and photometric != _RGB)):
        refuse("of separate planes")
    if photometric == _YCBCR and raw:
        subsampled = directory.whole(_SUBSAMPLING, (2, 2)) != (1, 1)
        if subsampled or _COEFFICIENTS in directory.entries or _REFERENCE in directory.entries:
            refuse("of uncompressed YCbCr")
    return photometric, bits


def _check_extent(directory: TiffDirectory, bits: int) -> None:
    """Raise where pixels lie behind the end of the file, where a directory is put for the decoder."""
    width, height = directory.one(_WIDTH, 0), directory.one(_HEIGHT, 0)
    samples = 1 if directory.one(_PLANAR, 1) == 2 else directory.one(_SAMPLES, 1)
    tiled = _TILE_OFFSETS in directory.entries
    offsets = np.array(directory.whole(_TILE_OFFSETS if tiled else _STRIP_OFFSETS), np.float64)
    sizes = np.array(directory.whole(_TILE_BYTES if tiled else _STRIP_BYTES), np.float64)
    if directory.one(_COMPRESSION, _RAW) == _RAW:
        across, down = width, min(directory.one(_STRIP_ROWS, height), height)
        if tiled:
            across, down = directory.one(_TILE_WIDTH, 0), directory.one(_TILE_HEIGHT, 0)
        row = (across * samples * bits + 7) // 8
        sizes = np.full(len(offsets), row * down, np.float64)
        if not tiled and down:
            sizes[-(-height // down) - 1 :: -(-height // down)] = row * ((height - 1) % down + 1)
    shared = min(len(offsets), len(sizes))
    if (offsets[:shared] + sizes[:shared] > directory.file.seek(0, io.SEEK_END)).any():
        raise PictureError("truncated or damaged TIFF; take or copy it again")


def _stated_colours(directory: TiffDirectory) -> ColourSpace | None:
    if _TRANSFER in directory.entries:
        raise PictureError("a TIFF with a curve of its own, which is not converted; save it as sRGB")
    primaries, white = directory.fractions(_PRIMARIES), directory.fractions(_WHITE)
    if len(primaries) != 6:
        return None
    red, green, blue = (primaries[at : at + 2] for at in (0, 2, 4))
    space = ColourSpace(
        (red[0], red[1]), (green[0], green[1]), (blue[0], blue[1]), (white[0], white[1]) if len(white) == 2 else SRGB.white
    )
    return space if space.is_possible and not space.is_srgb else None


def _pieces(directory: TiffDirectory, inverted: bool) -> list[Piece]:
    """Put a directory of what is needed at the end of the file, and make it the first and only one."""
    order, big = directory.order, directory.big
    directory.file.seek(0, io.SEEK_END)
    size = directory.file.tell()
    place, tail = size + size % 2, b""
    entries = {tag: entry for tag, entry in directory.entries.items() if tag in _NEEDED}
    if inverted:
        # Not every decoder inverts 16 bits, and those that are decoded are inverted afterwards.
        entries[_PHOTOMETRIC] = _entry(_PHOTOMETRIC, 1, struct.pack(f"{order}H", _BLACK_IS_ZERO), order, big)
    colours = directory.whole(_COLOUR_MAP)
    if colours and max(colours) < 256:
        # Colours of 8 bits, as libtiff reads those of programs that did not scale them.
        tail = struct.pack(f"{order}{len(colours)}H", *(257 * colour for colour in colours))
        wide = struct.pack(order + ("Q" if big else "I"), place)
        entries[_COLOUR_MAP] = _entry(_COLOUR_MAP, len(colours), wide, order, big)
    table = b"".join(entries[tag] for tag in sorted(entries))
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    pointer = struct.pack(order + ("Q" if big else "I"), place + len(tail))
    start = 8 if big else 4
    return [
        range(0, start),
        pointer,
        range(start + len(pointer), size),
        bytes(size % 2) + tail + count + table + bytes(8 if big else 4),
    ]


def _entry(tag: int, count: int, value: bytes, order: str, big: bool) -> bytes:
    head = struct.pack(order + ("HHQ" if big else "HHI"), tag, _SHORT, count)
    return head + value.ljust(8 if big else 4, b"\0")
