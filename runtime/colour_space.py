"""Colour spaces that a file names by primaries and a curve, as ICC profiles.

PNG (cICP, gAMA and cHRM), BMP (versions 4 and 5), TIFF and EXIF state colours in this way. One form for all
of them leaves one way to convert: that of an embedded profile.
Source: ICC.1:2010, 7.2 (header), 10.5 and 10.15 (curves); the matrix is that of Lindbloom, "RGB/XYZ
Matrices", with Bradford adaptation to D50 (ICC.1:2010, annex E).
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Chromaticity = tuple[float, float]

_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

D65: Chromaticity = (0.3127, 0.3290)

SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Parameters of a curve of type 3: (a x + b)^g from d on, and c x below (IEC 61966-2-1)."""

_SAME_CHROMATICITY = 0.003
"""PNG and BMP round chromaticities; those of other spaces differ by 0.02 and more."""

_SRGB_GAMMAS = (2.15, 2.25)
"""Files that are sRGB give the gamma that is nearest to its curve, 2.2."""


@dataclass(frozen=True)
class ColourSpace:
    """A colour space of three primaries.

    Attributes:
        red: chromaticity x, y.
        green: as red.
        blue: as red.
        white: as red.
        curve: from a sample in 0..1 to light: one gamma, or the five parameters of a curve of type 3.
    """

    red: Chromaticity = (0.64, 0.33)
    green: Chromaticity = (0.30, 0.60)
    blue: Chromaticity = (0.15, 0.06)
    white: Chromaticity = D65
    curve: tuple[float, ...] = SRGB_CURVE

    @property
    def is_srgb(self) -> bool:
        """Whether the file means sRGB, within the rounding of files."""
        mine = (self.red, self.green, self.blue, self.white)
        near = np.abs(np.subtract(mine, (SRGB.red, SRGB.green, SRGB.blue, SRGB.white)))
        by_gamma = len(self.curve) == 1 and _SRGB_GAMMAS[0] <= self.curve[0] <= _SRGB_GAMMAS[1]
        return bool((near <= _SAME_CHROMATICITY).all()) and (by_gamma or self.curve == SRGB_CURVE)

    @property
    def is_possible(self) -> bool:
        """Whether the primaries span a triangle around the white, and the curve rises."""
        values = (*self.red, *self.green, *self.blue, *self.white)
        if not all(0 <= value <= 1 for value in values) or min(self.white) <= 0:
            return False
        if not all(np.isfinite(self.curve)) or (len(self.curve) == 1 and not 0.1 <= self.curve[0] <= 10):
            return False
        try:
            weights = np.linalg.solve(self._primaries, _xyz(self.white))
        except (np.linalg.LinAlgError, ZeroDivisionError):
            return False
        return bool(np.isfinite(weights).all() and (weights > 0).all())

    @property
    def _primaries(self) -> NDArray[np.float64]:
        return np.stack([_xyz(self.red), _xyz(self.green), _xyz(self.blue)], axis=1)

    def profile(self) -> bytes:
        """Return the space as an ICC profile of a display."""
        white = _xyz(self.white)
        colorants = self._primaries * np.linalg.solve(self._primaries, white)
        gains = (_BRADFORD @ _D50) / (_BRADFORD @ white)
        colorants = np.linalg.inv(_BRADFORD) @ (gains[:, None] * (_BRADFORD @ colorants))
        curve = _curve(self.curve)
        tags = {b"wtpt": _numbers(b"XYZ ", _D50)}
        for letter, column in zip(b"rgb", colorants.T, strict=True):
            tags[bytes([letter]) + b"XYZ"] = _numbers(b"XYZ ", column)
            tags[bytes([letter]) + b"TRC"] = curve
        return _profile(tags)


SRGB = ColourSpace()
ADOBE_RGB = ColourSpace(green=(0.21, 0.71), curve=(2.19921875,))
"""Adobe RGB (1998), version 2005-05, 4.3."""
DISPLAY_P3 = ColourSpace(red=(0.68, 0.32), green=(0.265, 0.69))
BT2020 = ColourSpace(red=(0.708, 0.292), green=(0.17, 0.797), blue=(0.131, 0.046))


def _xyz(chromaticity: Chromaticity) -> NDArray[np.float64]:
    x, y = chromaticity
    # A blue primary may lie on the axis, where its luminance is zero.
    return np.array([x, y, 1 - x - y]) / max(y, 1e-6)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _numbers(kind: bytes, values: NDArray[np.float64]) -> bytes:
    return kind + bytes(4) + b"".join(_fixed(float(value)) for value in values)


def _curve(curve: tuple[float, ...]) -> bytes:
    kind = 0 if len(curve) == 1 else 3
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + b"".join(map(_fixed, curve))


def _profile(tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"", 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp")
    header += bytes(28) + b"".join(_fixed(float(value)) for value in _D50)
    return header.ljust(128, b"\0") + table + body
