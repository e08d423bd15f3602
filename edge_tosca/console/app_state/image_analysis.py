"""Analyse a picture for the console: feature, sharpness, brightness, and a small copy to show."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.arrays import Array
from edge_tosca.console.app_state.sharpness import sharpness_of
from edge_tosca.console.http.errors import ApiError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.learner import Learner
from edge_tosca.runtime import Preprocessing, load_picture
from edge_tosca.runtime.pictures import (
    decode_picture,
    decoding_scale,
    file_sha256,
    open_picture,
    source_name,
)
from edge_tosca.vision.feature_extractor import FeatureExtractor

SHOWN_SIDE = 512
"""Longer side of the copies that pages show, pixels: about 40 kB each."""

LARGE_PIXELS = 4_000_000
"""Above which a picture is decoded beside the small ones; a PNG of so many takes about 0.1 s."""

_QUALITY = 85


@dataclass(frozen=True, eq=False)
class AnalysedImage:
    """A picture, its feature and its quality.

    Attributes:
        feature: float32 [d].
        normalized: first part of the normalised feature (`edge_tosca.features.normalization`), float32 [d_1].
        jpeg: a small copy.
        sharpness: see `edge_tosca.console.app_state.sharpness`.
        brightness: mean grey level, 0 .. 255.
        sha256: of the picture's file (hex); None for pixels.
        milliseconds: spent on "decode" and "features".
        origin: fingerprint of the backbone that computed the feature; "" if it is not compared.
        note: what the picture's file lacks although it was read; None for a whole file.
    """

    feature: NDArray[np.float32]
    normalized: NDArray[np.float32]
    jpeg: bytes
    sharpness: float
    brightness: float
    sha256: str | None
    milliseconds: dict[str, float]
    origin: str = ""
    note: str | None = None


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """What is needed of a decoded picture: the input of the backbone, a small copy, and its quality.

    Attributes:
        prepared: the backbone's input, float32 [1, 3, size, size].
        jpeg: a small copy.
        sharpness: see `edge_tosca.console.app_state.sharpness`.
        brightness: mean grey level, 0 .. 255.
        sha256: of the picture's file (hex); None for pixels.
        milliseconds: spent on decoding for the backbone.
        preprocessing: by which it was decoded.
        note: what its file lacks, as in `AnalysedImage`.
    """

    prepared: NDArray[np.float32]
    jpeg: bytes
    sharpness: float
    brightness: float
    sha256: str | None
    milliseconds: float
    preprocessing: Preprocessing
    note: str | None


@dataclass(frozen=True)
class Cost:
    """What a picture costs to decode, from its header.

    Attributes:
        pixels: of the whole picture.
        large: it may take longer than another client should wait.
    """

    pixels: int
    large: bool


def cost_of(picture: bytes | NDArray[np.uint8]) -> Cost:
    """Read a picture's header.

    Args:
        picture: a file's content, or RGB pixels uint8 [h, w, 3].

    Returns:
        The cost.

    Raises:
        PictureError: the picture cannot be read, or is too large.
    """
    with open_picture(picture) as image:
        pixels = image.width * image.height
        # A progressive JPEG is decoded once a scan, and a tile of a TIFF may be larger than the picture.
        slow = image.progressive or image.format in ("TIFF", "HEIF", "AVIF")
        return Cost(pixels, slow or pixels > LARGE_PIXELS)


def decode(preprocessing: Preprocessing, picture: bytes | NDArray[np.uint8]) -> DecodedImage:
    """Decode a picture.

    Args:
        preprocessing: of the backbone.
        picture: a file's content, or RGB pixels uint8 [h, w, 3].

    Returns:
        The backbone's input and a small copy.

    Raises:
        PictureError: the picture cannot be read.
    """
    start = time.perf_counter()
    image = open_picture(picture)
    sha256 = file_sha256(image)
    scale = decoding_scale(image, preprocessing.decoded_side)
    same = scale == decoding_scale(image, SHOWN_SIDE)
    found = decode_picture(image, source_name(picture), preprocessing.decoded_side)
    decoded = found.image
    prepared = preprocessing(decoded, exact=scale == 1)
    milliseconds = 1e3 * (time.perf_counter() - start)
    shown = decoded if same else load_picture(picture, SHOWN_SIDE)
    return DecodedImage(
        prepared, jpeg_of(shown), *_quality(shown), sha256, milliseconds, preprocessing, found.note
    )


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
    return analyse_decoded(vision, decode(vision.bundle.preprocessing, picture))


def analyse_decoded(vision: FeatureExtractor, decoded: DecodedImage) -> AnalysedImage:
    """Analyse a picture that was decoded already.

    Args:
        vision: computes the feature.
        decoded: the picture.

    Returns:
        The picture, its feature and its quality.

    Raises:
        ApiError: it was decoded for another backbone.
    """
    if decoded.preprocessing != vision.bundle.preprocessing:
        raise _replaced()
    start = time.perf_counter()
    feature = vision.backend.features(decoded.prepared)
    times = {"decode": decoded.milliseconds, "features": 1e3 * (time.perf_counter() - start)}
    return AnalysedImage(
        feature=feature,
        normalized=normalize(feature[None, : vision.bundle.widths[0]])[0],
        jpeg=decoded.jpeg,
        sharpness=decoded.sharpness,
        brightness=decoded.brightness,
        sha256=decoded.sha256,
        milliseconds=times,
        origin=str(vision.fingerprint),
        note=decoded.note,
    )


def require_vision(learner: Learner, images: Sequence[AnalysedImage]) -> None:
    """Refuse features of another backbone than the learner's: its file was replaced between two pictures.

    Args:
        learner: that is to answer.
        images: of one request.

    Raises:
        ApiError: the backbone is another one.
    """
    if any(image.origin not in ("", str(learner.vision.fingerprint)) for image in images):
        raise _replaced()


def _replaced() -> ApiError:
    return ApiError(409, "the store was replaced by one with another backbone; send this again")


def analyse_with_feature(
    picture: bytes | NDArray[np.uint8],
    feature: NDArray[np.float32],
    milliseconds: dict[str, float],
    sha256: str | None = None,
    first: int | None = None,
) -> AnalysedImage:
    """Analyse a picture whose feature was computed already.

    Args:
        picture: a file's content, or RGB pixels uint8 [h, w, 3].
        feature: float32 [d].
        milliseconds: spent on each step.
        sha256: of the picture's file (hex).
        first: width of the feature's first part; one part by default.

    Returns:
        The picture, its feature and its quality.

    Raises:
        PictureError: the picture cannot be read.
    """
    image = load_picture(picture, SHOWN_SIDE)
    sharpness, brightness = _quality(image)
    return AnalysedImage(
        feature=feature,
        normalized=normalize(feature[None, :first])[0],
        jpeg=jpeg_of(image),
        sharpness=sharpness,
        brightness=brightness,
        sha256=sha256,
        milliseconds=milliseconds,
    )


def _quality(image: Image.Image) -> tuple[float, float]:
    grey = np.asarray(image.convert("L"))
    return sharpness_of(grey), float(grey.mean())


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
