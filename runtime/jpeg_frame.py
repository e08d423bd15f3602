"""Read a JPEG's frame and which bits of it the scans of a file bring.

Source: ITU-T T.81, B.2.2 (frame), B.2.3 (scan), G.1.1 (progressive scans).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from edge_tosca.runtime.jpeg_scans import FRAMES, MARKER, PROGRESSIVE

_SOI, _EOI, _SOS, _DRI, _TEM = 0xD8, 0xD9, 0xDA, 0xDD, 0x01
_RESTARTS = range(0xD0, 0xD8)
_SEGMENTS_LIMIT = 10_000
"""Far more than the some dozen of a progressive JPEG."""
_COEFFICIENTS = 64


@dataclass
class Frame:
    """A JPEG's frame, and what its scans have brought so far.

    Attributes:
        width: pixels.
        height: pixels.
        progressive: whether several scans refine the picture.
        factors: of each component by its number, the horizontal and the vertical sampling factor.
        missing_bits: of each component and coefficient, the bits that no scan has brought; absent for
            all of them.
        restarts: whether restart markers divide the data.
        next_restart: number of the restart marker that follows the last one.
    """

    width: int = 0
    height: int = 0
    progressive: bool = False
    factors: dict[int, tuple[int, int]] = field(default_factory=dict)
    missing_bits: dict[tuple[int, int], int] = field(default_factory=dict)
    restarts: bool = False
    next_restart: int = 0

    @property
    def all_scans_begun(self) -> bool:
        """Whether the scans bring every bit of every component."""
        coefficients = range(_COEFFICIENTS if self.progressive else 1)
        wanted = [(component, at) for component in self.factors for at in coefficients]
        return bool(wanted) and all(self.missing_bits.get(one) == 0 for one in wanted)

    @property
    def block_width(self) -> int:
        """Pixels of the smallest unit that all components share."""
        return 8 * self._factor(0)

    @property
    def block_height(self) -> int:
        """As `block_width`."""
        return 8 * self._factor(1)

    @property
    def blocks_across(self) -> int:
        """Number of units in a row."""
        return -(-self.width // self.block_width)

    @property
    def blocks_down(self) -> int:
        """Number of rows of units."""
        return -(-self.height // self.block_height)

    def _factor(self, axis: int) -> int:
        # A single component is not interleaved, whatever its factors.
        factors = self.factors.values()
        return max(factor[axis] for factor in factors) if len(factors) > 1 else 1


def read_frame(file: BinaryIO) -> Frame | None:
    """Read the frame and all scans of a file's first JPEG, up to its end or that of the file.

    Args:
        file: of the picture.

    Returns:
        The frame; None where there is none.
    """
    file.seek(0)
    data = file.read()
    frame, scan = Frame(), 0
    for number, (marker, start, stop) in enumerate(_segments(data)):
        if number > _SEGMENTS_LIMIT:
            return None
        if marker in FRAMES:
            _take_frame(marker, data[start:stop], frame)
        elif marker == _DRI:
            frame.restarts = any(data[start:stop])
        elif marker == _SOS:
            scan = stop
            _take_scan(data[start:stop], frame)
    if not frame.factors or 0 in (frame.width, frame.height) or 0 in sum(frame.factors.values(), ()):
        return None
    places = [data.rfind(bytes([0xFF, marker]), scan) for marker in _RESTARTS]
    frame.next_restart = (places.index(max(places)) + 1) % 8 if max(places) >= 0 else 0
    return frame


def _take_frame(marker: int, body: bytes, frame: Frame) -> None:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        return
    frame.progressive = marker in PROGRESSIVE
    frame.height, frame.width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    for at in range(6, 6 + 3 * body[5], 3):
        frame.factors[body[at]] = body[at + 1] >> 4, body[at + 1] & 15


def _take_scan(body: bytes, frame: Frame) -> None:
    if not body or len(body) < 4 + 2 * body[0]:
        return
    first, last, bits = body[1 + 2 * body[0] :][:3]
    for component in body[1 : 1 + 2 * body[0] : 2]:
        for at in range(first, min(last, _COEFFICIENTS - 1) + 1):
            frame.missing_bits[component, at] = bits & 15


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the content of every segment, up to the end of the JPEG or the data."""
    place = 0
    while match := MARKER.search(data, place):
        place = match.end()
        marker = data[place - 1]
        if marker == _EOI:
            return
        if marker in (_SOI, _TEM):
            continue
        stop = place + max(int.from_bytes(data[place : place + 2]), 2)
        if stop > len(data):
            return
        yield marker, place + 2, stop
        place = stop
