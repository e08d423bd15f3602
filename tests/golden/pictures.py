"""Pictures by a formula in whole numbers, so that every machine draws the same pixels and none is stored."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 160

# Shape, its colour, the background's.
_LOOKS = {
    "apple": ("disc", (205, 40, 45), (230, 225, 210)),
    "brick": ("checks", (170, 75, 50), (115, 105, 95)),
    "cone": ("triangle", (240, 130, 20), (70, 80, 95)),
    "door": ("box", (105, 70, 40), (200, 210, 190)),
    "zebra": ("stripes", (25, 25, 30), (215, 195, 120)),
}


def pixels(label: str, number: int) -> np.ndarray:
    """Compute picture NUMBER of a class, uint8 [SIDE, SIDE, 3]."""
    shape, ink, paper = _LOOKS[label]
    y, x = np.mgrid[:SIDE, :SIDE]
    # Every range is walked through by steps that have no factor in common with it.
    left, top = 30 + 37 * number % 101, 30 + 67 * number % 101
    size, step = 22 + 13 * number % 37, 8 + 5 * number % 17
    across, down = np.abs(x - left), np.abs(y - top)
    inside = {
        "disc": across**2 + down**2 < size**2,
        "box": (across < size // 2) & (down < size),
        "triangle": (2 * across < y - top + size) & (y - top < size),
        "stripes": (x + y * (number % 5) // 4) // step % 2 == 0,
        "checks": ((x + 5 * number) // step + (y + 3 * number) // step) % 2 == 0,
    }[shape]
    shade = np.array([41 * number % 61, 53 * number % 67, 47 * number % 71]) - 33
    light = (x * (number % 3 - 1) + y * (number % 4 - 1)) // 3
    drawn = np.where(inside[..., None], np.array(ink) + shade // 3, np.array(paper) + shade)
    grain = (x * 7349 + y * 9151 + number * 6221) ** 2 // 97 % (11 + 8 * (number % 4)) - 10
    return (drawn + (light + grain)[..., None]).clip(0, 255).astype(np.uint8)


def draw(folder: Path, labels: Iterable[str], numbers: Iterable[int]) -> Path:
    """Write FOLDER/CLASS/NUMBER.png, which loses nothing."""
    every = tuple(numbers)
    for label in labels:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in every:
            Image.fromarray(pixels(label, number)).save(folder / label / f"{number:03d}.png")
    return folder
