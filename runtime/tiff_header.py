"""Read what a TIFF states, and refuse layouts of pixels that the decoder takes for others.

Source: TIFF 6.0; BigTIFF; Adobe's supplements for ICC profiles; DNG 1.6 for its tags. Which layouts the
decoder reads was tried with files of every one of them (tests/unit/runtime/test_tiff_layouts.py).
"""

import io
import struct

import numpy as np

from edge_tosca.errors import PictureError
from edge_tosca.runtime.colour_conversion import PROFILE_LIMIT
from edge_tosca.runtime.colour_space import SRGB, ColourSpace
from edge_tosca.runtime.exif import xmp_orientation
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import PictureHeader
from edge_tosca.runtime.spliced_file import Piece
from edge_tosca.runtime.tiff_directory import TiffDirectory, read_directory

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
_RAW = 1
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INDEXED, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_CAMERA_RAW = (32803, 34892)


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
    kind, profile = directory.value(_ICC, PROFILE_LIMIT + 1)
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
        or (directory.file.seek(8) == 8 and directory.file.read(2) == b"CR")
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
    # Subsampled and by coefficients of its own; older decoders take even the plain form for RGB.
    if photometric == _YCBCR and raw:
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
        (red[0], red[1]),
        (green[0], green[1]),
        (blue[0], blue[1]),
        (white[0], white[1]) if len(white) == 2 else SRGB.white,
    )
    return space if space.is_possible and not space.is_srgb else None


def _pieces(directory: TiffDirectory, inverted: bool) -> list[Piece]:
    """Put a directory of what is needed at the end of the file, and make it the first and only one."""
    size = directory.file.seek(0, io.SEEK_END)
    place, tail = size + size % 2, b""
    entries = {tag: entry for tag, entry in directory.entries.items() if tag in _NEEDED}
    if inverted:
        # Not every decoder inverts 16 bits, and those that are decoded are inverted afterwards.
        black = struct.pack(f"{directory.order}H", _BLACK_IS_ZERO)
        entries[_PHOTOMETRIC] = directory.entry(_PHOTOMETRIC, 1, black)
    colours = directory.whole(_COLOUR_MAP)
    if colours and max(colours) < 256:
        # Colours of 8 bits, as libtiff reads those of programs that did not scale them.
        tail = struct.pack(f"{directory.order}{len(colours)}H", *(257 * colour for colour in colours))
        entries[_COLOUR_MAP] = directory.entry(_COLOUR_MAP, len(colours), directory.number(place))
    start = 8 if directory.big else 4
    first = directory.number(place + len(tail))
    return [
        range(0, start),
        first,
        range(start + len(first), size),
        bytes(size % 2) + tail + directory.table(entries),
    ]
