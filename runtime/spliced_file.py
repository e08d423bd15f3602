"""Give a decoder the parts of a file that it needs, without copying them.

A picture's file has metadata that no pixel depends on: EXIF, XMP, thumbnails, comments, text, profiles.
Decoders parse it all the same, and refuse a picture for one odd entry. Here the headers are read by this
package, and the decoder gets the parts with the pixels.
"""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Piece = bytes | range
"""Bytes, or a range of places in the original file."""

_BLOCK_BYTES = 1 << 20


class SplicedFile(io.RawIOBase):
    """A read-only file made of literal bytes and of ranges of another file.

    Args:
        file: the other file; its position changes, and it is not closed.
        pieces: in their order; ranges of step 1 within the file.
    """

    def __init__(self, file: BinaryIO, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._file = file
        self._pieces = [piece for piece in _merged(pieces) if len(piece)]
        self._starts = [0, *accumulate(len(piece) for piece in self._pieces)]
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Set the position, as in every binary file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def readall(self) -> bytes:
        """Read all bytes up to the end."""
        # A BytesIO gives its buffer away without copying it, which matters for a TIFF of 150 MB.
        whole = io.BytesIO()
        while data := self.read(_BLOCK_BYTES):
            whole.write(data)
        return whole.getvalue()

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read bytes of one piece into a buffer, and return their number; 0 at the end."""
        if self._position >= self._starts[-1]:
            return 0
        view = memoryview(buffer).cast("B")
        index = bisect_right(self._starts, self._position) - 1
        piece, begin = self._pieces[index], self._position - self._starts[index]
        size = min(len(view), len(piece) - begin)
        if isinstance(piece, bytes):
            data = piece[begin : begin + size]
        else:
            self._file.seek(piece.start + begin)
            data = self._file.read(size)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(last, range) and isinstance(piece, range) and last.stop == piece.start:
            merged[-1] = range(last.start, piece.stop)
        else:
            merged.append(piece)
    return merged
