"""Split a stream of bytes into JPEG pictures, and find the next one after a damaged one.

Source: ITU-T T.81, annex B: a picture is a sequence of segments with lengths, and scans without.
"""

import io
import re
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from edge_tosca.errors import PictureError

LARGEST_FRAME = 32 << 20
"""Largest size of one JPEG in bytes; a larger one is passed over."""

# Every picture begins with its first marker and the first byte of its second.
_START = b"\xff\xd8\xff"
_SCAN, _END, _QUANTIZATION, _EXIF, _COMMENT = 0xDA, 0xD9, 0xDB, 0xE1, 0xFE
_NO_TABLE = 0xEC
"""Bits that a quantization table's first byte never has: its precision is 0 or 1, its number below 4."""

_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APPLICATION = frozenset({*range(0xE0, 0xF0), _COMMENT})
"""Segments whose content is free, and may be another picture."""

_SEGMENTS = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xE0)}) | _APPLICATION
# In a scan, FF 00 is data and FF D0 to FF D7 are restart markers; FF FF is fill before a marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_NO_FILL = re.compile(rb"[^\xff]")
_LONGEST_SEGMENT = 0xFFFF
_CHUNK = 1 << 16
_MOST_WALKS = 1000
"""Of one picture: a file made to that end has millions of starts within its segments."""


class PartReader(Protocol):
    """A stream that gives what there is of it."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""
        ...

    def read1(self, size: int, /) -> bytes:
        """Read what there is, at most so many bytes; none at the end."""
        ...


@dataclass
class _Segment:
    start: int
    end: int
    exif: bool
    trusted: bool = False


@dataclass
class _Walk:
    """A walk along a picture's markers: where it ended, and whether that is the picture's end."""

    end: int = 0
    whole: bool = False
    size: bytes | None = None
    free: list[_Segment] = field(default_factory=list)


class JpegSplitter:
    """Splits a stream of bytes into JPEG pictures, holding one of them in memory.

    Bytes between two pictures, such as a multipart boundary, are skipped. A damaged or truncated picture ends
    where the next one starts. A picture within a picture's metadata, such as a thumbnail, is no start.

    Args:
        file: open for reading.
        name: of the file, for errors.

    Attributes:
        found: number of pictures so far, damaged ones included.
    """

    def __init__(self, file: BinaryIO | PartReader, name: str) -> None:
        # A pipe gives what there is by this call, and would wait for a full chunk by the other.
        self._read: Any = getattr(file, "read1", file.read)
        self._name = name
        self._buffer = bytearray()
        self._ended = False
        self._size: bytes | None = None
        self._walks = 0
        self.found = 0

    def next(self) -> bytes | None:
        """Return the next picture's bytes.

        Returns:
            From its first marker to its last; of a damaged picture, all up to the next one; None after the
            last picture.

        Raises:
            PictureError: the picture has more than `LARGEST_FRAME` bytes; the next call goes on after it.
        """
        while (start := self._buffer.find(_START)) < 0:
            # The last bytes may begin a picture.
            del self._buffer[:-2]
            if not self._fill():
                return None
        del self._buffer[:start]
        self.found += 1
        self._walks = 0
        walk = self._walk(0)
        whole = walk.whole and not self._is_joined(walk)
        if whole:
            self._size, end = walk.size, walk.end
        else:
            end = self._next_start(walk)
        too_large = not whole and self._is_full()
        picture = b"" if too_large else bytes(self._buffer[:end])
        del self._buffer[:end]
        if too_large:
            raise PictureError(
                f"{self._name}, frame {self.found}: over {LARGEST_FRAME >> 20} MB; have the camera write less"
            )
        return picture

    def is_complete(self) -> bool:
        """Return whether the picture at the beginning of the stream reaches its last marker."""
        return self._walk(0).whole

    def _walk(self, start: int) -> _Walk:
        walk, place, scanned = _Walk(), start + 2, False
        while self._has(place + 2) and self._buffer[place] == 0xFF:
            if walk.free:
                walk.free[-1].trusted |= walk.free[-1].end == place
            marker = self._buffer[place + 1]
            if marker == 0xFF:
                found = _NO_FILL.search(self._buffer, place)
                place = (len(self._buffer) if found is None else found.start()) - 1
                continue
            if marker == _END:
                walk.whole = walk.size is not None
                place += 2
                break
            if marker not in _SEGMENTS or not self._has(place + 9):
                break
            length = int.from_bytes(self._buffer[place + 2 : place + 4], "big")
            if marker == _QUANTIZATION and self._buffer[place + 4] & _NO_TABLE:
                break
            if length < 2 or (marker in _FRAME_HEADERS and walk.size is not None):
                break
            if marker in _FRAME_HEADERS:
                walk.size = bytes(self._buffer[place + 5 : place + 9])
            elif marker in _APPLICATION and not scanned:
                exif = marker == _EXIF and self._buffer[place + 4 : place + 8] == b"Exif"
                walk.free.append(_Segment(place + 4, place + 2 + length, exif))
            elif (scanned or marker != _QUANTIZATION) and self._has_start(place + 2, place + 2 + length):
                break
            place += 2 + length
            if marker == _SCAN:
                place, scanned = self._after_scan(place), True
        walk.end = place
        return walk

    def _has_start(self, place: int, end: int) -> bool:
        """Return whether a picture starts within a segment, which breaks off there."""
        # The start may be the segment's last two bytes and the first of the next marker.
        return self._has(end + 1) and self._buffer.find(_START, place, end + 1) >= 0

    def _after_scan(self, place: int) -> int:
        while True:
            found = _NEXT_MARKER.search(self._buffer, place)
            if found is not None:
                return found.start()
            place = max(place, len(self._buffer) - 1)
            if not self._fill():
                return len(self._buffer)

    def _is_joined(self, walk: _Walk) -> bool:
        """Return whether a truncated picture goes on as the thumbnail of the one after it."""
        if self._size is None or walk.size == self._size:
            return False
        place = 0
        while self._walks < _MOST_WALKS and (place := self._buffer.find(_START, place + 2, walk.end)) >= 0:
            inner = self._inner_walk(place)
            if inner.whole and inner.end > walk.end:
                return True
        return False

    def _next_start(self, damaged: _Walk) -> int:
        place = 2
        while (place := self._buffer.find(_START, place)) >= 0:
            after = self._after_embedded(place, damaged.free)
            if after == place:
                return place
            place = after
        return len(self._buffer) if self._ended else max(2, len(self._buffer) - 2)

    def _after_embedded(self, place: int, free: list[_Segment]) -> int:
        """Return the place after a picture within a segment of a damaged one; its own if it is a frame."""
        for segment in free:
            # After a damaged length a thumbnail may lie outside of what the length says.
            longest = max(segment.end, segment.start + _LONGEST_SEGMENT)
            end = segment.end if segment.trusted else longest
            if not segment.start <= place < end or not (segment.trusted or segment.exif):
                continue
            if self._walks >= _MOST_WALKS:
                return end
            inner = self._inner_walk(place)
            if not inner.whole:
                return place + 2
            # A frame that follows a truncated one has the size of those before it; a thumbnail has not.
            is_frame = inner.end > end or (not segment.trusted and inner.size == self._size)
            return place if is_frame else inner.end
        return place

    def _inner_walk(self, place: int) -> _Walk:
        self._walks += 1
        return self._walk(place)

    def _has(self, count: int) -> bool:
        while len(self._buffer) < count:
            if not self._fill():
                return False
        return True

    def _is_full(self) -> bool:
        return len(self._buffer) > LARGEST_FRAME

    def _fill(self) -> bool:
        if self._ended or self._is_full():
            return False
        chunk = self._read(_CHUNK)
        self._ended = not chunk
        self._buffer += chunk
        return not self._ended


def is_complete_jpeg(data: bytes) -> bool:
    """Return whether a file is whole as far as its markers say; True for other formats.

    Args:
        data: of the file.
    """
    if not data.startswith(_START):
        return True
    return JpegSplitter(io.BytesIO(data), "").is_complete()
