"""Read the first directory of a TIFF, and write one for a decoder.

Source: TIFF 6.0, section 2; BigTIFF.
"""

import struct
from dataclasses import dataclass

from edge_tosca.runtime.picture_file import PictureFile

SHORT = 3
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES |= {16: 8, 17: 8, 18: 8}
"""Of a value of each type."""
_WHOLE = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_FRACTION = 5
_ENTRIES_LIMIT = 4096
_OFFSET_LIMIT = 1 << 62
_VALUE_LIMIT = 1 << 24


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
        size = min(count * _BYTES.get(kind, 0), limit)
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
        count = len(data) // _BYTES[kind]
        return struct.unpack_from(f"{self.order}{count}{_WHOLE[kind]}", data) or default

    def fractions(self, tag: int) -> tuple[float, ...]:
        """Return a tag's fractions; empty where it has none, or one over zero."""
        kind, data = self.value(tag)
        if kind != _FRACTION:
            return ()
        pairs = list(struct.iter_unpack(f"{self.order}II", data[: len(data) // 8 * 8]))
        return tuple(top / bottom for top, bottom in pairs) if all(bottom for _, bottom in pairs) else ()

    def one(self, tag: int, default: int) -> int:
        """Return a tag's first whole number."""
        return self.whole(tag, (default,))[0]

    def entry(self, tag: int, count: int, value: bytes) -> bytes:
        """Return an entry of short numbers; the value is their bytes, or those of their place."""
        head = struct.pack(self.order + ("HHQ" if self.big else "HHI"), tag, SHORT, count)
        return head + value.ljust(8 if self.big else 4, b"\0")

    def number(self, place: int) -> bytes:
        """Return a place in the file as entries hold it."""
        return struct.pack(self.order + ("Q" if self.big else "I"), place)

    def table(self, entries: dict[int, bytes]) -> bytes:
        """Return a directory of entries, after which there is no other one."""
        count = struct.pack(self.order + ("Q" if self.big else "H"), len(entries))
        return count + b"".join(entries[tag] for tag in sorted(entries)) + bytes(8 if self.big else 4)

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
