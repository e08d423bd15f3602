"""A rectangle of a picture, as fractions of its sides, so that it does not depend on the picture's size."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError, PictureError

LEAST_PIXELS = 32
"""Least side of a region in a picture. Below it a backbone that sees 224 pixels sees interpolation alone."""

_ROUNDING = 1e-9
"""By which x + width may exceed 1: 0.1 + 0.9 does in binary."""


@dataclass(frozen=True)
class Region:
    """A rectangle of an upright picture.

    Attributes:
        x: of the left edge, as a fraction of the picture's width, from the left.
        y: of the upper edge, as a fraction of the picture's height, from the top.
        width: as a fraction of the picture's width.
        height: as a fraction of the picture's height.

    Raises:
        EdgeToscaError: it is empty, or not within the picture.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        """Refuse a rectangle that is empty, or not within the picture."""
        numbers = (self.x, self.y, self.width, self.height)
        inside = self.x + self.width <= 1 + _ROUNDING and self.y + self.height <= 1 + _ROUNDING
        if not all(map(math.isfinite, numbers)) or min(self.x, self.y) < 0 or not inside:
            raise EdgeToscaError(f"region {self} is not within the picture; {_EXAMPLE}")
        if min(self.width, self.height) <= 0:
            raise EdgeToscaError(f"region {self} is empty; {_EXAMPLE}")

    @classmethod
    def parse(cls, text: str) -> "Region":
        """Read a region as a user writes it.

        Args:
            text: "x,y,width,height", as in "0.25,0.1,0.5,0.5".

        Returns:
            The region.

        Raises:
            EdgeToscaError: it is not four numbers, or not within the picture.
        """
        try:
            numbers = [float(number) for number in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != 4:
            raise EdgeToscaError(f"region {text[:80]!r} is not four numbers; {_EXAMPLE}")
        return cls(*numbers)

    def __str__(self) -> str:
        """The region as `parse` reads it."""
        return ",".join(f"{number:.6g}" for number in (self.x, self.y, self.width, self.height))

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return the region in a picture, each edge at the nearest pixel, so that neighbours share an edge.

        Args:
            width: of the upright picture, pixels.
            height: of the upright picture, pixels.

        Returns:
            Left, upper, right and lower edge, pixels; the last two are exclusive.

        Raises:
            PictureError: a side has fewer than LEAST_PIXELS.
        """
        left, right = _nearest(self.x * width), min(_nearest((self.x + self.width) * width), width)
        upper, lower = _nearest(self.y * height), min(_nearest((self.y + self.height) * height), height)
        if min(right - left, lower - upper) < LEAST_PIXELS:
            raise PictureError(
                f"region {self} is {right - left}x{lower - upper} pixels of {width}x{height}; it needs "
                f"{LEAST_PIXELS}x{LEAST_PIXELS}, so make it larger, or have the camera give larger pictures"
            )
        return left, upper, right, lower

    def crop(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the region of a picture, without a copy.

        Args:
            pixels: RGB, uint8 [h, w, 3].

        Returns:
            uint8 [h', w', 3]; the pixels themselves where the region is the whole picture.

        Raises:
            PictureError: a side has fewer than LEAST_PIXELS.
        """
        if self == WHOLE:
            return pixels
        left, upper, right, lower = self.box(pixels.shape[1], pixels.shape[0])
        return pixels[upper:lower, left:right]


_EXAMPLE = "write x,y,width,height as fractions of the picture from 0 to 1, as in 0.25,0.1,0.5,0.5"

WHOLE = Region(0.0, 0.0, 1.0, 1.0)


def _nearest(number: float) -> int:
    # round() takes the even one of two equally near.
    return math.floor(number + 0.5)
