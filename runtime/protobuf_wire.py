"""Read and write the protobuf wire format: the fields of a message, without its schema."""

from collections.abc import Iterator

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
"""Wire types."""

DEEPEST = 100
"""Nesting limit of messages, which is protobuf's own."""

_MOST_FIELDS = 1_000_000


class WireReader:
    """Reads the fields of messages, at most a million in all: a hostile file may hold many more.

    Graphs of backbones have some ten thousand; numbers of a tensor are one field.
    """

    def __init__(self) -> None:
        self._left = _MOST_FIELDS

    def fields(self, data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
        """Yield number, wire type and value of each field of a message.

        Args:
            data: the message.

        Yields:
            Field number, wire type, and an int for a varint or the bytes for any other type.

        Raises:
            ValueError: the message is malformed, or there are too many fields.
            IndexError: the message ends within a varint.
        """
        at = 0
        while at < len(data):
            self._left -= 1
            if self._left < 0:
                raise ValueError("too many fields")
            tag, at = _varint(data, at)
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value, at = _varint(data, at)
                yield number, kind, value
                continue
            if kind == BYTES:
                length, at = _varint(data, at)
            elif kind in (EIGHT, FOUR):
                length = 8 if kind == EIGHT else 4
            else:
                raise ValueError(f"wire type {kind}")
            if not number or length > len(data) - at:
                raise ValueError("a field ends beyond its message")
            yield number, kind, data[at : at + length]
            at += length


def text_of(data: memoryview) -> str:
    """Decode the first 200 bytes of a text field."""
    return bytes(data[:200]).decode(errors="replace")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a varint without an end")


def varint_bytes(value: int) -> bytes:
    """Encode a number of at most 64 bits, 0 or above."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field_bytes(number: int, kind: int, value: int | bytes | memoryview) -> bytes:
    """Encode one field; the inverse of :meth:`WireReader.fields`.

    Args:
        number: of the field.
        kind: its wire type.
        value: an int for a varint, otherwise the bytes.

    Returns:
        Tag, length where the type has one, and value.
    """
    tag = varint_bytes(number << 3 | kind)
    if isinstance(value, int):
        return tag + varint_bytes(value)
    return tag + (varint_bytes(len(value)) if kind == BYTES else b"") + bytes(value)
