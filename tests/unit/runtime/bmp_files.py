"""Write BMP files of every layout of pixels, by Microsoft's headers and without a library."""

import struct

import numpy as np

SRGB = int.from_bytes(b"sRGB")


def rows_of(samples, bits, top_down=False):
    """The bytes of rows of samples: indices, or pixels [h, w, n], or words of 16 and 32 bits [h, w]."""
    rows = []
    for row in samples.reshape(len(samples), -1):
        if bits < 8:
            data = np.packbits(((row[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)).tobytes()
        else:
            data = row.astype(
                {16: "<u2", 32: "<u4"}.get(bits if samples.ndim == 2 else 8, np.uint8)
            ).tobytes()
        rows.append(data + bytes(-len(data) % 4))
    return b"".join(rows if top_down else rows[::-1])


def bmp(
    rows, width, height, bits, *, palette=None, header=40, compression=0, masks=(), top_down=False, later=b""
):
    """A BMP with a header of a size, a palette [n, 3] of RGB, and masks of red, green, blue and alpha."""
    entry = 3 if header == 12 else 4
    colours = b""
    if palette is not None:
        whole = np.zeros((len(palette), entry), np.uint8)
        whole[:, :3] = np.asarray(palette)[:, ::-1]
        colours = whole.tobytes()
    if header == 12:
        start = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        number = 0 if palette is None or len(palette) == 2**bits else len(palette)
        sides = width, -height if top_down else height
        start = struct.pack("<IiiHHIIiiII", header, *sides, 1, bits, compression, 0, 0, 0, number, 0)
        wanted = masks[:3] if header in (40, 52) else masks
        start = (start + struct.pack(f"<{len(wanted)}I", *wanted)).ljust(header, b"\0")
    place = 14 + len(start) + len(colours)
    return b"BM" + struct.pack("<IHHI", place + len(rows), 0, 0, place) + start + colours + rows + later
