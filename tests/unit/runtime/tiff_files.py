"""Write TIFF files of every layout of pixels that TIFF 6.0 has, by its formulae and without a library."""

import struct
import zlib

import numpy as np

SHORT, LONG = 3, 4


def tiff(
    samples,
    bits=8,
    photometric=1,
    *,
    order="<",
    extra=(),
    sample_format=None,
    planar=1,
    deflated=False,
    fill_order=1,
    tile=None,
    rows_per_strip=None,
    tags=None,
    big=False,
):
    """A TIFF of unsigned samples [h, w] or [h, w, n], each of as many bits as named."""
    samples = np.asarray(samples)
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    height, width, count = samples.shape
    planes = [samples] if planar == 1 else [samples[:, :, [one]] for one in range(count)]
    blocks = [block for plane in planes for block in _blocks(plane, tile, rows_per_strip or height)]
    data = [_packed(block, bits, order) for block in blocks]
    if fill_order == 2:
        data = [_reversed(one) for one in data]
    if deflated:
        data = [zlib.compress(one) for one in data]
    offsets, body = [], b""
    for one in data:
        offsets.append((16 if big else 8) + len(body))
        body += one + b"\0" * (len(one) % 2)
    lengths = [len(one) for one in data]
    found = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * count),
        259: (SHORT, [8 if deflated else 1]),
        262: (SHORT, [photometric]),
        277: (SHORT, [count]),
        284: (SHORT, [planar]),
    }
    if fill_order != 1:
        found[266] = SHORT, [fill_order]
    if extra:
        found[338] = SHORT, list(extra)
    if sample_format is not None:
        found[339] = SHORT, [sample_format] * count
    if tile:
        found |= {322: (LONG, [tile]), 323: (LONG, [tile]), 324: (LONG, offsets), 325: (LONG, lengths)}
    else:
        found |= {
            273: (LONG, offsets),
            278: (LONG, [rows_per_strip or height]),
            279: (LONG, lengths),
        }
    return _file(found | (tags or {}), body, order, big)


def _blocks(plane, tile, rows):
    height, width, _ = plane.shape
    if not tile:
        return [plane[top : top + rows] for top in range(0, height, rows)]
    padded = np.pad(plane, ((0, -height % tile), (0, -width % tile), (0, 0)))
    return [
        padded[top : top + tile, left : left + tile]
        for top in range(0, height, tile)
        for left in range(0, width, tile)
    ]


def _packed(block, bits, order):
    rows = block.reshape(len(block), -1)
    if bits in (8, 16, 32, 64):
        kind = (
            "f" if block.dtype.kind == "f" else ("i" if block.dtype.kind == "i" and block.min() < 0 else "u")
        )
        return rows.astype(f"{order}{kind}{bits // 8}").tobytes()
    each = (rows[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(each.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def _reversed(data):
    return np.packbits(np.unpackbits(np.frombuffer(data, np.uint8).reshape(-1, 1), axis=1)[:, ::-1]).tobytes()


def _file(tags, body, order, big):
    start = b"II" if order == "<" else b"MM"
    word, wide, size = ("Q", "Q", 8) if big else ("I", "H", 4)
    header = 16 if big else 8
    table = struct.pack(order + wide, len(tags))
    place = header + len(body)
    later = place + len(table) + len(tags) * (12 + 8 * big) + size
    tail = b""
    for tag in sorted(tags):
        kind, values = tags[tag]
        if isinstance(values, bytes):
            raw, number = values, len(values) // {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}[kind]
        else:
            raw = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
            number = len(values)
        if len(raw) > size:
            table += struct.pack(f"{order}HH{word}{word}", tag, kind, number, later + len(tail))
            tail += raw + b"\0" * (len(raw) % 2)
        else:
            table += struct.pack(f"{order}HH{word}", tag, kind, number) + raw.ljust(size, b"\0")
    table += bytes(size)
    if big:
        return start + struct.pack(order + "HHHQ", 43, 8, 0, place) + body + table + tail
    return start + struct.pack(order + "HI", 42, place) + body + table + tail
