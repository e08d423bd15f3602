"""Draw which places of a picture speak for a class, and which against it."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.arrays import Array

SIDE = 448
"""Of the picture that is drawn, pixels."""

FOR, AGAINST = (230, 97, 1), (94, 60, 153)
"""Orange and purple, the ends of ColorBrewer's scale PuOr, which colour-blind people can tell apart."""

_COVER = 0.75
"""Share of the colour at the strongest place; the picture stays visible below it."""


def evidence_overlay(crop: NDArray[np.uint8], places: Array) -> NDArray[np.uint8]:
    """Draw a map over a picture in grey.

    Args:
        crop: what the backbone saw, uint8 [size, size, 3].
        places: evidence of each place, [h, w]. The strongest place of this picture, for or against, has the
            full colour; a place without evidence has none.

    Returns:
        uint8 [SIDE, SIDE, 3].
    """
    grey = Image.fromarray(crop).convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    strongest = float(np.abs(places).max()) or 1.0
    scaled = Image.fromarray((places / strongest).astype(np.float32))
    strength = np.asarray(scaled.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).clip(-1, 1)[..., None]
    colour = np.where(strength > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    cover = _COVER * np.abs(strength)
    base = np.asarray(grey, np.float32)[..., None]
    drawn: NDArray[np.uint8] = np.rint(base * (1 - cover) + colour * cover).astype(np.uint8)
    return drawn


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels as a PNG.

    Args:
        pixels: uint8 [h, w, 3].

    Returns:
        The file's content.
    """
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
