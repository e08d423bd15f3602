"""A region of an upright picture file: from what size it is decoded, and its crop."""

import math

from PIL import Image

from edge_tosca.runtime.opened_picture import OpenedPicture
from edge_tosca.runtime.region import Region

_LYING = frozenset({5, 6, 7, 8})
"""EXIF orientations of pictures that are stored lying on their side."""


def whole_side(picture: OpenedPicture, side: int, region: Region | None) -> int:
    """Compute the least shorter side of a decoded picture of which a region is used.

    Args:
        picture: with its header read.
        side: least shorter side of the region, pixels.
        region: of the upright picture; None for all of it.

    Returns:
        The least shorter side of the whole picture, pixels.

    Raises:
        PictureError: the region has too few pixels.
    """
    if region is None:
        return side
    width, height = picture.size
    if picture.header.orientation in _LYING:
        width, height = height, width
    left, upper, right, lower = region.box(width, height)
    return math.ceil(side * min(width, height) / min(right - left, lower - upper))


def cropped(image: Image.Image, region: Region | None) -> Image.Image:
    """Return a region of an upright picture.

    Args:
        image: decoded, perhaps at a reduced size.
        region: None for all of it.

    Raises:
        PictureError: the region has too few pixels.
    """
    if region is None:
        return image
    found = image.crop(region.box(*image.size))
    image.close()
    return found
