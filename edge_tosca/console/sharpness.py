"""How sharp a picture is, whatever it shows."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 240
"""Shorter side that is looked at, pixels: about what the backbone sees."""


def sharpness_of(grey: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian."""
    image = Image.fromarray(grey)
    scale = _SIDE / min(image.size)
    image = image.resize((max(3, round(image.width * scale)), max(3, round(image.height * scale))))
    g = np.asarray(image, np.float32)
    laplacian = g[:-2, 1:-1] + g[2:, 1:-1] + g[1:-1, :-2] + g[1:-1, 2:] - 4 * g[1:-1, 1:-1]
    return float(laplacian.var())
