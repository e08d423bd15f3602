"""Every layout of a TIFF's pixels comes out as TIFF 6.0 says, or is refused in one line."""

import itertools
import struct

import numpy as np
import pytest
from tiff_files import LONG, SHORT, tiff

from edge_tosca.errors import PictureError
from edge_tosca.runtime import load_picture

SIDES = (9, 13)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, INDEXED, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, CMYK: 4}

LEVELS = 1
"""Grey levels that rounding may cost: alpha in 8 bits, or a change of the colour space."""

SHOULD_BE_READ = frozenset(
    [(photo, bits, ()) for photo in (WHITE_IS_ZERO, BLACK_IS_ZERO) for bits in (1, 2, 4, 8, 16)]
    + [(photo, bits, extra) for photo in (RGB,) for bits in (8, 16) for extra in ((), (0,), (1,), (2,))]
    + [(CMYK, 8, ()), (CMYK, 16, ()), (BLACK_IS_ZERO, 8, (2,)), (BLACK_IS_ZERO, 12, ())]
)
"""In the order of bytes of most files, in one plane."""


def samples_of(bits, photometric, extra):
    rng = np.random.default_rng(bits + 100 * photometric)
    most = 2**bits - 1
    samples = rng.integers(0, most + 1, (*SIDES, COLOURS[photometric] + len(extra)))
    if 1 in extra:
        # Associated alpha: no colour is above it.
        alpha = samples[..., [COLOURS[photometric] + extra.index(1)]] / most
        samples[..., : COLOURS[photometric]] = (samples[..., : COLOURS[photometric]] * alpha).astype(int)
    return samples


def meant(samples, bits, photometric, extra):
    """What TIFF 6.0, sections 4 to 8, 16 and 18 say, on white."""
    light = samples / (2**bits - 1)
    colours = light[..., : COLOURS[photometric]]
    if photometric == WHITE_IS_ZERO:
        colours = 1 - colours
    if photometric == CMYK:
        colours = (1 - colours[..., :3]) * (1 - colours[..., 3:])
    for at, kind in enumerate(extra):
        if kind in (1, 2):
            alpha = light[..., [COLOURS[photometric] + at]]
            colours = (colours if kind == 1 else colours * alpha) + 1 - alpha
    return 255 * np.broadcast_to(colours, (*SIDES, 3))


def difference(data, expected):
    return np.abs(np.asarray(load_picture(data), np.float64) - expected).max()


LAYOUTS = [
    (photometric, bits, extra)
    for photometric in COLOURS
    for bits in (1, 2, 4, 8, 12, 16)
    for extra in ((), (0,), (1,), (2,), (2, 0), (0, 2))
]


@pytest.mark.parametrize(("photometric", "bits", "extra"), LAYOUTS)
def test_a_layout_is_read_as_the_standard_says_or_refused(photometric, bits, extra):
    samples = samples_of(bits, photometric, extra)
    expected = meant(samples, bits, photometric, extra)
    # Of 12 and 16 bits the high byte is kept, and an alpha of 16 bits is cut to 8 before it is divided by.
    allowed = (LEVELS if bits <= 8 else 1 + LEVELS + (1 in extra) * 2) + 1e-6
    read = 0
    for order, planar, deflated, fill_order, tile in itertools.product(
        "<>", (1, 2), (0, 1), (1, 2), (None, 16)
    ):
        if samples.shape[2] == 1 and planar == 2:
            continue
        data = tiff(
            samples,
            bits,
            photometric,
            order=order,
            extra=extra,
            planar=planar,
            deflated=bool(deflated),
            fill_order=fill_order,
            tile=tile,
        )
        try:
            found = difference(data, expected)
        except PictureError as error:
            assert "\n" not in str(error)
            continue
        read += 1
        assert found <= allowed, (order, planar, deflated, fill_order, tile)
    assert read or (photometric, bits, extra) not in SHOULD_BE_READ


def test_a_palette_of_16_bits_keeps_its_high_byte_and_one_of_8_bits_its_levels():
    rng = np.random.default_rng(1)
    indices = rng.integers(0, 16, SIDES)
    for bits in (4, 8):
        colours = rng.integers(0, 256, (3, 2**bits))
        expected = colours.T[indices]
        for factor in (257, 1):
            data = tiff(indices, bits, INDEXED, tags={320: (SHORT, list((factor * colours).ravel()))})
            assert difference(data, expected) == 0


def test_ycbcr_is_read_by_its_formula_where_it_is_compressed():
    rng = np.random.default_rng(2)
    samples = rng.integers(0, 256, (*SIDES, 3))
    y, b, r = samples[..., 0], samples[..., 1] - 128.0, samples[..., 2] - 128.0
    expected = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], -1).clip(0, 255)
    data = tiff(samples, 8, YCBCR, deflated=True, tags={530: (SHORT, [1, 1])})
    assert difference(data, expected) <= LEVELS
    # The default of the tag is two by two.
    for tags in (None, {530: (SHORT, [2, 2])}, {530: (SHORT, [1, 1])}):
        with pytest.raises(PictureError, match="YCbCr"):
            load_picture(tiff(samples, 8, YCBCR, tags=tags))


def test_lab_is_read_by_its_formula():
    rng = np.random.default_rng(3)
    lab = np.stack([rng.integers(0, 256, SIDES), *rng.integers(-60, 60, (2, *SIDES))], -1)
    lightness = (100 * lab[..., 0] / 255 + 16) / 116
    steps = np.stack([lightness + lab[..., 1] / 500, lightness, lightness - lab[..., 2] / 200], -1)
    xyz = np.where(steps > 6 / 29, steps**3, 3 * (6 / 29) ** 2 * (steps - 4 / 29)) * [0.9642, 1, 0.8249]
    # From the profile connection space to linear sRGB (Lindbloom, D50).
    matrix = [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.033454]]
    linear = xyz @ np.array([*matrix, [0.0719453, -0.2289914, 1.4052427]]).T
    # Of colours that sRGB does not have, the nearest one is a matter of taste.
    shown = ((linear >= 0) & (linear <= 1)).all(axis=-1)
    assert shown.sum() > 20
    linear = linear.clip(0, 1)
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    found = np.asarray(load_picture(tiff(lab & 255, 8, LAB)), np.float64)
    # Near black one step of light is several levels.
    assert np.abs(found - expected)[shown].max() <= 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(np.full(SIDES, 7), 8, sample_format=2), "signed"),
        (tiff(np.full(SIDES, 7), 16, sample_format=2), "signed"),
        (tiff(np.full(SIDES, 0.5, np.float32), 32, sample_format=3), "floating point"),
        (tiff(np.full((*SIDES, 4), 9), 8, CMYK, tags={332: (SHORT, [2])}), "inks"),
        (tiff(np.full(SIDES, 9), 16, 32803), "raw"),
        (tiff(np.full((*SIDES, 3), 9), 8, RGB, tags={50706: (1, bytes((1, 4, 0, 0)))}), "raw"),
        (tiff(np.full((*SIDES, 3), 9), 8, RGB, tags={254: (LONG, [1]), 330: (LONG, [8])}), "raw"),
        (tiff(np.full((*SIDES, 3), 9), 8, 9), "not read"),
        (tiff(np.full((*SIDES, 3), 9), 8, RGB, tags={258: (SHORT, [5, 6, 5])}), "bits a sample"),
        (tiff(np.full((*SIDES, 3), 9), 8, RGB, tags={301: (SHORT, list(range(256)) * 3)}), "curve"),
    ],
    ids=["s8", "s16", "float", "inks", "mosaic", "DNG", "thumbnail", "ICCLab", "565", "transfer"],
)
def test_what_would_be_misread_is_refused_in_one_line(data, words):
    with pytest.raises(PictureError, match=words) as caught:
        load_picture(data)
    assert "\n" not in str(caught.value)
    assert "; " in str(caught.value)


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_an_odd_entry_costs_neither_pixels_nor_orientation(order, big):
    samples = np.random.default_rng(4).integers(0, 256, (*SIDES, 3))
    odd = {
        274: (SHORT, [6]),
        282: (10, struct.pack(f"{order}ii", -1, 0)),
        296: (2, b"2\0"),
        271: (5, struct.pack(f"{order}II", 1, 2)),
        700: (1, b"<x:xmpmeta>\xff" * 9),
        34377: (7, b"8BIM" * 3),
        34665: (LONG, [0xFFFFFFF0]),
        65000: (2, b"x" * 5000),
    }
    found = np.asarray(load_picture(tiff(samples, 8, RGB, order=order, big=big, tags=odd)))
    np.testing.assert_array_equal(found, np.rot90(samples, -1))


def test_primaries_that_a_tiff_states_are_those_of_its_pixels():
    samples = np.full((*SIDES, 3), (200, 60, 30))
    plain = np.asarray(load_picture(tiff(samples, 8, RGB)))

    def stating(*points):
        values = b"".join(struct.pack("<II", round(value * 1e4), 10_000) for value in points)
        return np.asarray(load_picture(tiff(samples, 8, RGB, tags={319: (5, values)})))

    np.testing.assert_array_equal(stating(0.64, 0.33, 0.3, 0.6, 0.15, 0.06), plain)
    # A wider red is redder in sRGB, as far as that can show.
    assert stating(0.68, 0.32, 0.265, 0.69, 0.15, 0.06)[0, 0, 0] > 205
