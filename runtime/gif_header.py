"""Read where a GIF shows its first picture, and whether it ends as it should.

Source: GIF89a, 17 to 27.
"""

import io
import struct

from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import WITHOUT_END, PictureHeader

_HEADER, _DESCRIPTOR = 13, 9
_PICTURE, _EXTENSION, _TRAILER = b"\x2c", b"\x21", b"\x3b"
_TAIL_BYTES = 4096


def read_gif_header(file: PictureFile) -> PictureHeader:
    """Read what a GIF states.

    Args:
        file: of the picture.

    Returns:
        The header, with a note where there is no trailer.
    """
    window = _first_window(file)
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    # Some programs pad files with zeros.
    ended = file.read(_TAIL_BYTES).rstrip(b"\0").endswith(_TRAILER)
    return PictureHeader(window=window, note=None if ended else WITHOUT_END)


def _first_window(file: PictureFile) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom of the first picture; None where it is not found."""
    file.seek(0)
    screen = file.read(_HEADER)
    if len(screen) < _HEADER:
        return None
    if screen[10] & 0x80:
        file.seek(3 << (screen[10] & 7) + 1, io.SEEK_CUR)
    while (kind := file.read(1)) == _EXTENSION:
        file.read(1)
        while (length := file.read(1)) not in (b"", b"\0"):
            file.seek(length[0], io.SEEK_CUR)
    place = file.read(_DESCRIPTOR)
    if kind != _PICTURE or len(place) < _DESCRIPTOR:
        return None
    left, top, width, height = struct.unpack_from("<HHHH", place)
    return left, top, left + width, top + height
