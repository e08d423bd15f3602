"""Boxes of labelling programs as regions of a picture."""

import math

from edge_tosca.runtime.region import Region
from edge_tosca.vision.datasets.members import RefusedError


def region_of(
    left: object, upper: object, width: object, height: object, *, whole: tuple[object, object]
) -> Region:
    """Turn a box into a region, cut off at the picture's edges.

    Args:
        left: of the box, in any unit.
        upper: of the box.
        width: of the box.
        height: of the box.
        whole: width and height of the picture, in the same unit.

    Returns:
        The region.

    Raises:
        RefusedError: these are no finite numbers, or the box lies outside of the picture.
    """
    numbers = [left, upper, width, height, *whole]
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in numbers):
        raise RefusedError("its box is not made of numbers; draw it again")
    x, y, w, h, all_w, all_h = (float(one) for one in numbers if isinstance(one, int | float))
    if all_w <= 0 or all_h <= 0:
        raise RefusedError("the file does not say how large the picture is; export it again")
    x0, y0 = max(x / all_w, 0.0), max(y / all_h, 0.0)
    x1, y1 = min((x + w) / all_w, 1.0), min((y + h) / all_h, 1.0)
    if x1 <= x0 or y1 <= y0:
        raise RefusedError("its box is empty or outside of the picture; draw it again")
    return Region(x0, y0, x1 - x0, y1 - y0)
