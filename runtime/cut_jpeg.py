"""Read a JPEG that lacks its end marker, or the end of its last row of blocks.

A decoder that meets the end of a file inside a JPEG fills up with grey and does not say from where on. So
the rest is decoded twice, once with nothing and once with random bits in place of what is missing: the two
pictures are equal up to the first block whose bits are not all there.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from edge_tosca.runtime.jpeg_frame import Frame, read_frame
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import WITHOUT_END
from edge_tosca.runtime.spliced_file import Piece

CUT_IN_LAST_ROW = "the file is cut short, and the end of its last row of blocks is grey; copy it again"

_END = b"\xff\xd9"
_RANDOM_BYTES = 4096
_MISSING_SHARE = 1 / 16
"""Of all blocks may be missing, in the last row of them; at least one."""


def read_cut_jpeg(
    file: PictureFile, pieces: Sequence[Piece], decode: Callable[[Sequence[Piece]], Image.Image]
) -> tuple[Image.Image, str] | None:
    """Decode a JPEG whose file ended too soon.

    Args:
        file: of the picture.
        pieces: of the file, for the decoder.
        decode: of such pieces, with whatever scale is wanted.

    Returns:
        The picture and what it lacks; None where more is missing than the end of the last row of blocks.
    """
    frame = read_frame(file)
    if frame is None or not frame.all_scans_begun:
        return None
    picture = decode([*pieces, _END])
    other = decode([*pieces, _random_bits(frame), _END])
    difference = np.asarray(ImageChops.difference(picture, other))
    other.close()
    missing = _missing_blocks(difference if difference.ndim == 2 else difference.max(axis=2), frame)
    if missing == 0:
        return picture, WITHOUT_END
    share = int(_MISSING_SHARE * frame.blocks_across * frame.blocks_down)
    # The last row has to have begun.
    if missing is None or missing > max(1, min(share, frame.blocks_across - 1)):
        return None
    return picture, CUT_IN_LAST_ROW


def _random_bits(frame: Frame) -> bytes:
    # No byte 255, which begins a marker; a zero first, because the file may end between a 255 and its zero.
    noise = np.random.default_rng(0).integers(0, 255, _RANDOM_BYTES, dtype=np.uint8).tobytes()
    if not frame.restarts:
        return b"\0" + noise
    following = (bytes([0xFF, 0xD0 + (frame.next_restart + at) % 8]) for at in range(8))
    return b"\0" + noise + b"".join(marker + noise for marker in following)


def _missing_blocks(difference: NDArray[np.uint8], frame: Frame) -> int | None:
    """Return how many blocks are missing in the last row of blocks; None if rows above lack some."""
    rows = np.flatnonzero(difference.any(axis=1))
    if not len(rows):
        return 0
    # Blocks of the decoded size, which may be scaled; colour is smoothed over one pixel beyond a block.
    scale = round(frame.height / len(difference))
    top = (frame.blocks_down - 1) * frame.block_height // scale
    if rows[0] < top - 1:
        return None
    column = int(np.flatnonzero(difference[top:].any(axis=0))[0]) if difference[top:].any() else 0
    return frame.blocks_across - (column + 1) * scale // frame.block_width
