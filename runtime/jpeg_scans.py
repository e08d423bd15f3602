"""Count a JPEG's scans, each of which is a pass of the decoder over the whole picture.

A progressive JPEG has about ten scans. The format does not limit their number: a file of 600 KB with ten
thousand empty scans kept a decoder busy for seven minutes.
"""

import re
from typing import BinaryIO

_SOI, _EOI, _SOS, _TEM = 0xD8, 0xD9, 0xDA, 0x01
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
# A marker that ends a scan's data: no stuffed byte, fill byte or restart marker (ITU-T T.81, B.1.1).
MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def count_scans(file: BinaryIO) -> int:
    """Count the scans of a file's first JPEG.

    Args:
        file: of the picture; read from its start, its position afterwards is undefined.

    Returns:
        The number of scans; 1 where the first scan has all components, and the rest is not read.
    """
    file.seek(0)
    # A single scan with all components starts near the beginning, after some metadata at most.
    data = file.read(1 << 16)
    found = _scans(data)
    while found is None:
        more = file.read(max(len(data), 1 << 16))
        if not more:
            return _scans(data + b"\xff\xd9") or 0
        data += more
        found = _scans(data)
    return found


def _scans(data: bytes) -> int | None:
    """Count scans; return None where more data are needed."""
    components, progressive, scans, place = 0, False, 0, 0
    while found := MARKER.search(data, place):
        place = found.end()
        marker = data[place - 1]
        if marker == _EOI:
            return scans
        if marker in (_SOI, _TEM):
            continue
        length = int.from_bytes(data[place : place + 2])
        body = data[place + 2 : place + length]
        if len(body) < length - 2 or len(data) < place + 2:
            return None
        place += max(length, 2)
        if marker in FRAMES and len(body) > 5:
            components, progressive = body[5], marker in PROGRESSIVE
        elif marker == _SOS:
            scans += 1
            if scans == 1 and not progressive and body[:1] == bytes([components]):
                return 1
    return None
