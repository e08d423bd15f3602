"""Classes and pictures made by formulae, to measure cost where accuracy does not matter."""

from io import BytesIO

import numpy as np
from PIL import Image

from edge_tosca.arrays import Array
from edge_tosca.vision.feature_extractor import FeatureExtractor

SHOTS = 20
"""Pictures a class."""

_FACTORS = 64
_WIDTH, _HEIGHT = 640, 480
_TEXTURE = 4
"""Grey levels. A picture of 12 megapixels takes 2 MB, as many of a telephone's do."""


def task_features(task: int, classes: int, d: int) -> dict[str, Array]:
    """Draw features of a task's classes around their means.

    Classes come in pairs, and each of a pair lies on both sides of their common mean, in its own direction:
    no linear rule separates the pair, so that the modules have something to learn.

    Args:
        task: its number; the same one gives the same features.
        classes: how many.
        d: width of a feature.

    Returns:
        Label to float32 [SHOTS, d], not negative.
    """
    rng = np.random.default_rng((task, 7))
    basis = np.random.default_rng(1).normal(size=(_FACTORS, d)) / np.sqrt(_FACTORS)
    features = {}
    middle = u = v = np.zeros(_FACTORS)
    for place in range(classes):
        if place % 2 == 0:
            middle, u, v = rng.normal(size=_FACTORS), *(0.6 * rng.normal(size=(2, _FACTORS)))
        way = u + v if place % 2 == 0 else u - v
        factors = middle + rng.choice([-1, 1], size=(SHOTS, 1)) * way
        factors = factors + 0.8 * rng.normal(size=(SHOTS, _FACTORS))
        rows = np.maximum(factors @ basis + 0.7 * rng.normal(size=(SHOTS, d)), 0)
        features[f"class {task * classes + place + 1}"] = rows.astype(np.float32)
    return features


def noise_picture() -> bytes:
    """Make a JPEG file of soft noise, as large as a small camera's."""
    coarse = np.random.default_rng(0).integers(0, 256, (_HEIGHT // 20, _WIDTH // 20, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(coarse).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def textured_picture(width: int, height: int) -> bytes:
    """Make a JPEG file with coarse shapes, edges and fine texture, about as hard to decode as a photograph.

    Args:
        width: pixels.
        height: pixels.
    """
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8))
    pixels = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.int16)
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    pixels += (40 * ((3 * x + y) % (width // 8) < width // 40)).astype(np.int16)[:, :, None]
    pixels += rng.integers(-_TEXTURE, _TEXTURE + 1, (height, width, 1), np.int16)
    file = BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def features_of(pictures: list[bytes], vision: FeatureExtractor) -> int:
    """Decode pictures and run the backbone on them.

    Args:
        pictures: JPEG files.
        vision: the backbone.

    Returns:
        How many had features.
    """
    return sum(picture.features is not None for picture in vision.extract(pictures))
