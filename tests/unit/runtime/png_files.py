"""Write PNG files of every layout of pixels, by the specification and without a library."""

import struct
import zlib

import numpy as np

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
"""Of every pass: first column and row, and the steps between columns and rows."""


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, bits=8, colour_type=2, *, before=(), after=(), interlaced=False):
    """A PNG of samples [h, w, n], with further chunks (name, data) before and after its pixels."""
    height, width = samples.shape[:2]
    passes = [samples]
    if interlaced:
        passes = [samples[top::down, left::across] for left, top, across, down in ADAM7]
    rows = [row for one in passes if one.size for row in _rows(one, bits)]
    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(interlaced))
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", head), *before, (b"IDAT", pixels), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def _rows(samples, bits):
    rows = samples.reshape(len(samples), -1)
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in rows]
    each = (rows[:, :, None] >> np.arange(bits - 1, -1, -1)) & 1
    return [row.tobytes() for row in np.packbits(each.reshape(len(rows), -1).astype(np.uint8), axis=1)]
