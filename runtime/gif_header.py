"""See whether a GIF ends as it should; its pixels need no other statement than those that every decoder reads.

Source: GIF89a, 17 to 27.
"""

import io

from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import WITHOUT_END, PictureHeader

_TRAILER = b"\x3b"
_TAIL_BYTES = 4096


def read_gif_header(file: PictureFile) -> PictureHeader:
    """Read the end of a GIF.

    Args:
        file: of the picture.

    Returns:
        The header, with a note where there is no trailer.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _TAIL_BYTES))
    # Some programs pad files with zeros.
    ended = file.read(_TAIL_BYTES).rstrip(b"\0").endswith(_TRAILER)
    return PictureHeader(note=None if ended else WITHOUT_END)
