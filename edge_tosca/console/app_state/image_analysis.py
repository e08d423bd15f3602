"""Analyse a picture for the console: feature, sharpness, brightness, and a small copy to show."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.arrays import Array
from edge_tosca.console.app_state.sharpness import sharpness_of
from edge_tosca.errors import PictureError
from edge_tosca.features.normalization import normalize
from edge_tosca.runtime import load_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor

SHOWN_SIDE = 512
"""Longer side of the copies that pages show, pixels: about 40 kB each."""

_QUALITY = 85


@dataclass(frozen=True, eq=False)
class AnalysedImage:
    """A picture, its feature and its quality.

    Attributes:
        feature: float32 [d].
        normalized: the normalised feature (`edge_tosca.features.normalization`), float32 [d].
        jpeg: a small copy.
        sharpness: see `edge_tosca.console.app_state.sharpness`.
        brightness: mean grey level, 0 .. 255.
        sha256: of the picture's file (hex); None for pixels.
        milliseconds: spent on "decode" and "features".
    """

    feature: NDArray[np.float32]
    normalized: NDArray[np.float32]
    jpeg: bytes
    sharpness: float
    brightness: float
    sha256: str | None
    milliseconds: dict[str, float]


def analyse(vision: FeatureExtractor, picture: bytes | NDArray[np.uint8]) -> AnalysedImage:
    """Analyse a picture.

    Args:
        vision: computes the feature.
        picture: a file's content, or RGB pixels uint8 [h, w, 3].

    Returns:
        The picture, its feature and its quality.

    Raises:
        PictureError: the picture cannot be read.
    """
    (extracted,) = vision.extract([picture], digests=True)
    if extracted.features is None:
        raise PictureError(extracted.error or "the picture cannot be read")
    times = {"decode": extracted.decode_ms, "features": extracted.features_ms}
    return analyse_with_feature(picture, extracted.features, times, extracted.sha256)


def analyse_with_feature(
    picture: bytes | NDArray[np.uint8],
    feature: NDArray[np.float32],
    milliseconds: dict[str, float],
    sha256: str | None = None,
) -> AnalysedImage:
    """Analyse a picture whose feature was computed already.

    Args:
        picture: a file's content, or RGB pixels uint8 [h, w, 3].
        feature: float32 [d].
        milliseconds: spent on each step.
        sha256: of the picture's file (hex).

    Returns:
        The picture, its feature and its quality.

    Raises:
        PictureError: the picture cannot be read.
    """
    image = load_picture(picture, SHOWN_SIDE)
    grey = np.asarray(image.convert("L"))
    return AnalysedImage(
        feature=feature,
        normalized=normalize(feature[None])[0],
        jpeg=jpeg_of(image),
        sharpness=sharpness_of(grey),
        brightness=float(grey.mean()),
        sha256=sha256,
        milliseconds=milliseconds,
    )


def jpeg_of(picture: Image.Image | Array, side: int = SHOWN_SIDE) -> bytes:
    """Encode a picture as a JPEG without the original's EXIF (place, time, device).

    Args:
        picture: in mode RGB, or pixels uint8 [h, w, 3].
        side: upper limit of its longer side, pixels.

    Returns:
        The file's content.
    """
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    if max(image.size) > side:
        scale = side / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    out = BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
