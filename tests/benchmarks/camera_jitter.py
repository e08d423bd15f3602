"""Simulated camera jitter: frames as of a hand-held camera, made from one photograph."""

import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

LEAST_CROP = 0.75
"""Share of each side that a frame shows, at least; the rest is room to shift."""

TILT = 10.0
"""Degrees either way."""

LIGHT = 0.25
"""Brightness and contrast change by this share either way."""

BLUR = 1.0
"""Largest standard deviation of the blur, in 224ths of the short side."""

JPEG_QUALITY = (40, 95)
"""Of the camera's stream."""


def frames(path: Path, count: int, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Make frames of one photograph: crop, shift, tilt, light, blur and compression differ at random.

    Args:
        path: of the photograph.
        count: number of frames.
        rng: source of the differences.

    Returns:
        Pixels, uint8 [h, w, 3] each.
    """
    with Image.open(path) as opened:
        photograph = ImageOps.exif_transpose(opened).convert("RGB")
    return [_frame(photograph, rng) for _ in range(count)]


def _frame(photograph: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    width, height = photograph.size
    share = rng.uniform(LEAST_CROP, 1)
    angle = math.radians(rng.uniform(-TILT, TILT))
    shift_x, shift_y = rng.uniform(-0.5, 0.5, 2) * (1 - share) * np.array([width, height])
    # A tilted frame reaches beyond the photograph's edge; what lies there is mirrored, not black.
    margin = max(width, height) // 4
    pixels = np.pad(np.asarray(photograph), ((margin, margin), (margin, margin), (0, 0)), "reflect")
    size = round(share * width), round(share * height)
    cosine, sine = math.cos(angle), math.sin(angle)
    middle_x, middle_y = margin + width / 2 + shift_x, margin + height / 2 + shift_y
    half_x, half_y = size[0] / 2, size[1] / 2
    onto = (
        cosine,
        -sine,
        middle_x - cosine * half_x + sine * half_y,
        sine,
        cosine,
        middle_y - sine * half_x - cosine * half_y,
    )
    image = Image.fromarray(pixels).transform(size, Image.Transform.AFFINE, onto, Image.Resampling.BICUBIC)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))
    image = ImageEnhance.Contrast(image).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, BLUR) * min(size) / 224))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=int(rng.integers(*JPEG_QUALITY, endpoint=True)))
    with Image.open(stream) as compressed:
        return np.asarray(compressed.convert("RGB"))
