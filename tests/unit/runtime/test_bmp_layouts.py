"""Every layout of a BMP's pixels comes out as its header says, or is refused in one line."""

import struct

import numpy as np
import pytest
from bmp_files import SRGB, bmp, rows_of

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture

HEIGHT, WIDTH = 7, 11
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (HEIGHT, WIDTH, 3))


def difference(data, expected):
    return np.abs(np.asarray(load_picture(data), np.float64) - expected).max()


def palette_of(kind, size):
    palette = RNG.integers(0, 256, (size, 3))
    if kind == "dark to light":
        palette = np.repeat(np.arange(size)[:, None], 3, axis=1)
    if kind == "black and white":
        palette[0], palette[1] = 0, 255
    if kind == "white and black":
        palette[0], palette[1] = 255, 0
    return palette


@pytest.mark.parametrize("header", [12, 40, 108, 124])
@pytest.mark.parametrize("kind", ["colours", "dark to light", "black and white", "white and black"])
@pytest.mark.parametrize(("bits", "size"), [(1, 2), (4, 2), (4, 3), (4, 16), (8, 2), (8, 16), (8, 256)])
def test_a_palette_of_any_size_means_its_colours(bits, size, kind, header):
    palette = palette_of(kind, size)
    indices = RNG.integers(0, size, (HEIGHT, WIDTH))
    masks = (0, 0, 0, 0, SRGB) if header > 40 else ()
    if header == 12:
        palette = np.vstack([palette, np.zeros((2**bits - size, 3), int)])
    for top_down in (False, True)[: 1 if header == 12 else 2]:
        rows = rows_of(indices, bits, top_down)
        data = bmp(rows, WIDTH, HEIGHT, bits, palette=palette, header=header, masks=masks, top_down=top_down)
        if (bits, size, kind) == (4, 16, "dark to light"):
            # A decoder would take the half bytes for whole ones.
            with pytest.raises(PictureError, match="16 darkest greys"):
                load_picture(data)
        else:
            assert difference(data, palette[indices]) == 0


@pytest.mark.parametrize(("compression", "bits"), [(1, 8), (2, 4)])
@pytest.mark.parametrize("size", [2, 5])
def test_run_lengths_are_read(compression, bits, size):
    palette = palette_of("black and white", size)
    indices = RNG.integers(0, size, (HEIGHT, WIDTH))
    runs = [b"".join(bytes([1, index << (8 - bits)]) for index in row) + b"\0\0" for row in indices[::-1]]
    data = bmp(b"".join(runs) + b"\0\1", WIDTH, HEIGHT, bits, palette=palette, compression=compression)
    assert difference(data, palette[indices]) == 0


def test_24_and_32_bits_are_blue_green_red_and_nothing():
    assert difference(bmp(rows_of(PIXELS[:, :, ::-1], 8), WIDTH, HEIGHT, 24), PIXELS) == 0
    four = np.dstack([PIXELS[:, :, ::-1], RNG.integers(0, 256, (HEIGHT, WIDTH))])
    assert difference(bmp(rows_of(four, 8), WIDTH, HEIGHT, 32), PIXELS) == 0


def test_opencv_reads_the_same_pixels():
    cv2 = pytest.importorskip("cv2", reason="opencv is not installed")
    palette = palette_of("colours", 16)
    for data in (
        bmp(rows_of(PIXELS[:, :, ::-1], 8), WIDTH, HEIGHT, 24),
        bmp(rows_of(RNG.integers(0, 16, (HEIGHT, WIDTH)), 4), WIDTH, HEIGHT, 4, palette=palette),
        bmp(rows_of(RNG.integers(0, 16, (HEIGHT, WIDTH)), 8), WIDTH, HEIGHT, 8, palette=palette),
    ):
        other = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
        assert difference(data, other) == 0


def meant(words, masks):
    """Every mask's bits as a share of their largest value, on white."""
    shares = []
    for mask in masks:
        low = (mask & -mask).bit_length() - 1
        shares.append(((words & mask) >> low) / (mask >> low) if mask else np.ones(words.shape))
    alpha = shares[3][..., None] if len(masks) > 3 and masks[3] else 1.0
    return 255 * (np.stack(shares[:3], axis=-1) * alpha + 1 - alpha)


@pytest.mark.parametrize("header", [40, 52, 56, 108])
@pytest.mark.parametrize(
    ("bits", "masks"),
    [
        (16, (0xF800, 0x07E0, 0x001F, 0)),
        (16, (0x7C00, 0x03E0, 0x001F, 0)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0)),
        (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
        (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
        (32, (0xFF000000, 0xFF0000, 0xFF00, 0xFF)),
        (32, (0x3FF00000, 0xFFC00, 0x3FF, 0)),
    ],
)
def test_masks_mean_what_they_say_or_are_refused(bits, masks, header):
    words = RNG.integers(0, 1 << bits, (HEIGHT, WIDTH), dtype=np.uint64)
    if masks[3] and header in (40, 52):
        masks = (*masks[:3], 0)
    places = (*masks, SRGB) if header == 108 else masks
    data = bmp(rows_of(words, bits), WIDTH, HEIGHT, bits, header=header, compression=3, masks=places)
    try:
        assert difference(data, meant(words, masks)) <= 1
    except PictureError as error:
        # Ten bits a colour, an order that no program writes without an alpha, and headers that came with
        # Pillow 11.
        rare = masks in ((0x3FF00000, 0xFFC00, 0x3FF, 0), (0xFF, 0xFF00, 0xFF0000, 0))
        assert (rare and "bitfields" in str(error)) or (header in (52, 56) and "header" in str(error))


def test_16_bits_without_masks_are_five_for_each_colour():
    words = RNG.integers(0, 1 << 15, (HEIGHT, WIDTH))
    data = bmp(rows_of(words, 16), WIDTH, HEIGHT, 16)
    assert difference(data, meant(words, (0x7C00, 0x03E0, 0x001F))) <= 1


def test_compressed_bitmaps_of_os2_are_refused():
    with pytest.raises(PictureError, match="OS/2"):
        load_picture(
            bmp(bytes(40), WIDTH, HEIGHT, 1, palette=palette_of("colours", 2), header=64, compression=3)
        )


def calibrated(*chromaticities, gamma, header=108):
    points = b""
    for x, y in chromaticities:
        points += struct.pack("<3i", *(round(value * (1 << 30)) for value in (x, y, 1 - x - y)))
    rest = struct.pack("<I", 0) + points + struct.pack("<3I", *[round(gamma * 65536)] * 3)
    data = bmp(rows_of(PIXELS[:, :, ::-1], 8), WIDTH, HEIGHT, 24, header=header)
    return data[:70] + rest + data[70 + len(rest) :]


def test_colours_that_the_header_calibrates_are_converted():
    # Ends that sum up to the white of equal energies are none that a program writes for sRGB.
    wide = calibrated((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), gamma=1.0)
    assert difference(wide, PIXELS) > 20
    # Most programs leave the fields empty.
    assert difference(calibrated((0, 0), (0, 0), (0, 0), gamma=0.0), PIXELS) == 0
