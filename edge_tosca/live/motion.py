"""Motion in a region: cells of a small colour picture that differ by more than the scene's own noise."""

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import LearnError

FACTOR = 6.0
"""A change counts from this many times the noise of its cell: 4 standard deviations of normal noise."""

LEAST_CHANGE = 4.0
"""A smaller change, in levels of 0 .. 255, never counts: a scene without noise still has rounding."""

AREA = 0.01
"""Share of the cells that must change.

All three were chosen by `python -m tests.benchmarks trigger_scenes`, whose figures are in docs/events.md.
"""

_SAMPLES = 128
_BLOCK = 4
_GAIN = 1.25
_RATE = 1.05
_QUIETEST = 0.1


class Motion:
    """Finds what changed in a region, since a reference and since the frame before.

    The region is sampled at 128 x 128 places at most, whose means over 4 x 4 are its cells. The noise of a
    cell is a running median of the differences of consecutive frames: it rises where something flickers all
    the time, and stays where something passes now and then. The median ratio of each channel to the
    reference is divided out, up to a quarter, as the camera's own exposure and white balance change it.

    Args:
        area: share of the cells that must change, above 0 and at most 1.

    Raises:
        LearnError: the area is out of range.
    """

    def __init__(self, area: float = AREA) -> None:
        if not 0 < area <= 1:
            raise LearnError(f"the area of motion must lie above 0 and at most 1; it is {area:g}")
        self._area = area
        self._reference: NDArray[np.float32] | None = None
        self._last: NDArray[np.float32] | None = None
        self._noise: NDArray[np.float32] | None = None

    def add(self, crop: NDArray[np.uint8]) -> tuple[bool, bool]:
        """Compare a frame with the reference and with the frame before.

        Args:
            crop: uint8 [h, w, 3], the region.

        Returns:
            Whether it differs from the reference, and from the frame before; both are true for a first frame,
            or one of another size.
        """
        cells = cells_of(crop)
        if self._last is None or self._reference is None or self._last.shape != cells.shape:
            self._last = self._reference = cells
            self._noise = None
            return True, True
        step = _change(cells, self._last)
        if self._noise is None:
            self._noise = np.full_like(step, max(float(np.median(step)), _QUIETEST))
        limit = np.maximum(FACTOR * self._noise, LEAST_CHANGE)
        moved = self._is_much(_change(cells, self._reference) > limit), self._is_much(step > limit)
        self._noise *= np.where(step > self._noise, np.float32(_RATE), np.float32(1 / _RATE))
        np.maximum(self._noise, np.float32(_QUIETEST), out=self._noise)
        self._last = cells
        return moved

    def settle(self) -> None:
        """Make the newest frame the reference."""
        self._reference = self._last

    def _is_much(self, changed: NDArray[np.bool_]) -> bool:
        cells = changed.any(axis=2)
        return int(cells.sum()) >= max(1.0, self._area * cells.size)


def cells_of(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Compute the cells of a region.

    Args:
        crop: uint8 [h, w, 3], at least 4 pixels high and wide.

    Returns:
        float32 [n, m, 3], levels of 0 .. 255; n and m at most 32.
    """
    height, width = (_samples(length) for length in crop.shape[:2])
    some = crop[height, width]
    rows, columns = some.shape[0] // _BLOCK, some.shape[1] // _BLOCK
    blocks = some.reshape(rows, _BLOCK, columns, _BLOCK, 3)
    # Rows first: adding neighbouring rows is vectorised, adding neighbouring columns of three is not.
    sums = blocks.sum(axis=1, dtype=np.uint16).sum(axis=2, dtype=np.uint16)
    cells: NDArray[np.float32] = sums.astype(np.float32) / np.float32(_BLOCK * _BLOCK)
    return cells


def _samples(length: int) -> slice:
    """Return places at an even distance around the middle; their number is a multiple of _BLOCK."""
    step = -(-length // _SAMPLES)
    count = length // step // _BLOCK * _BLOCK
    first = (length - 1 - (count - 1) * step) // 2
    return slice(first, first + (count - 1) * step + 1, step)


def _change(cells: NDArray[np.float32], before: NDArray[np.float32]) -> NDArray[np.float32]:
    ratio = np.median(cells / np.maximum(before, 1), axis=(0, 1))
    gain = np.clip(ratio, 1 / _GAIN, _GAIN).astype(np.float32)
    return np.abs(cells - gain * before)
