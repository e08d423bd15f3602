"""What scaled decoding of large JPEG photographs saves, and what it changes in their features."""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from edge_tosca.arrays import Array
from edge_tosca.bench.table import as_table
from edge_tosca.bench.timing import in_turn
from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime import find_pictures, load_picture
from edge_tosca.runtime.golden import cosine
from edge_tosca.runtime.pictures import decoding_scale, open_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor

_REPEATS = 5
_DISTURBED = 0.1
_BANDS = (1.0, 1.3, 2.0, 2.5, 3.5, math.inf)


@dataclass(frozen=True)
class Decoding:
    """One photograph decoded at one scale, beside its every pixel.

    Attributes:
        path: the photograph.
        width: pixels.
        height: pixels.
        size: bytes of the JPEG.
        scale: its sides over the decoded one's; 1 for the same pixels, a tenth of them one grey level off.
        margin: the decoded shorter side over the one that the backbone's input is cropped from.
        chosen: this is the scale that learning and answering use.
        cosine: of the two features.
        mean_levels: difference of the backbone's inputs, grey levels.
        largest_level: the same at most.
        full_ms: decoding and preparing every pixel, processor time.
        scaled_ms: decoding and preparing at this scale, processor time.
    """

    path: str
    width: int
    height: int
    size: int
    scale: int
    margin: float
    chosen: bool
    cosine: float
    mean_levels: float
    largest_level: int
    full_ms: float
    scaled_ms: float


def measure_decoding(
    folder: Path,
    vision: FeatureExtractor,
    on_progress: Callable[[int, int], None],
    sides: tuple[int, int] | None = None,
    quality: int = 90,
) -> list[Decoding]:
    """Decode photographs exactly and scaled, in turns.

    Args:
        folder: of JPEG files; those that cannot be scaled are skipped.
        vision: the backbone.
        on_progress: called with the photographs done and their number.
        sides: width and height that each is cropped and resampled to first; None for the files as they are.
        quality: of the JPEG where they are.

    Returns:
        One entry a photograph and scale.

    Raises:
        EdgeToscaError: no photograph can be scaled.
    """
    paths = find_pictures(folder)
    found: list[Decoding] = []
    for done, path in enumerate(paths, start=1):
        data = path.read_bytes() if sides is None else _resampled(path, sides, quality)
        found += _measured(str(path.relative_to(folder)), data, vision)
        on_progress(done, len(paths))
    if not found:
        raise EdgeToscaError(f"{folder} holds no JPEG large enough; name a folder of camera pictures")
    return found


def markdown(found: Iterable[Decoding]) -> str:
    """Lay out the measurement: scales and margins, and what is gained where it is used.

    Args:
        found: what was measured.

    Returns:
        Markdown.
    """
    found = list(found)
    header = ["decoded at", "times the resized side", "photographs", "cosine: mean", "least"]
    header += ["grey levels: mean", "most", "times as fast: median", "least", "most"]
    groups: list[tuple[str, str, list[Decoding]]] = [
        ("1/1, a tenth of the pixels one level off", "", [row for row in found if row.scale == 1])
    ]
    for scale in (2, 4, 8):
        for low, high in pairwise(_BANDS):
            rows = [row for row in found if row.scale == scale and low <= row.margin < high]
            groups.append(
                (f"1/{scale}", f"{low:g} to {high:g}" if high < math.inf else f"over {low:g}", rows)
            )
    groups.append(("as edge-tosca does", "", [row for row in found if row.chosen]))
    return as_table(header, [_row(name, band, rows) for name, band, rows in groups if rows])


def _row(name: str, band: str, rows: list[Decoding]) -> list[str]:
    cosines = [row.cosine for row in rows]
    ratios = [row.full_ms / row.scaled_ms for row in rows]
    return [
        name,
        band,
        str(len(rows)),
        f"{statistics.mean(cosines):.5f}",
        f"{min(cosines):.5f}",
        f"{statistics.mean(row.mean_levels for row in rows):.2f}",
        str(max(row.largest_level for row in rows)),
        *(f"{value:.1f}" for value in (statistics.median(ratios), min(ratios), max(ratios))),
    ]


def _resampled(path: Path, sides: tuple[int, int], quality: int) -> bytes:
    file = BytesIO()
    picture = ImageOps.fit(load_picture(path), sides, Image.Resampling.LANCZOS)
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _measured(name: str, data: bytes, vision: FeatureExtractor) -> list[Decoding]:
    preprocessing = vision.bundle.preprocessing
    with open_picture(data) as image:
        width, height = image.size
        chosen = decoding_scale(image, preprocessing.decoded_side)
        sides = {
            scale: min(image.size) // scale
            for scale in (2, 4, 8)
            if decoding_scale(image, min(image.size) // scale) == scale
        }
    sides = {scale: side for scale, side in sides.items() if side >= preprocessing.resized_side}
    if not sides:
        return []

    def scaled(side: int) -> Array:
        return preprocessing.crop(load_picture(data, side), exact=False)

    exact = preprocessing.crop(load_picture(data)).astype(np.int16)
    feature = _feature(exact, vision)
    inputs: dict[int, Array] = {
        1: _one_level_off(exact),
        **{scale: scaled(side) for scale, side in sides.items()},
    }
    full_ms, *scaled_ms = in_turn(
        [
            lambda: preprocessing(load_picture(data)),
            *(lambda side=side: preprocessing.normalise(scaled(side)) for side in sides.values()),
        ],
        _REPEATS,
        clock=time.process_time,
    )
    return [
        Decoding(
            path=name,
            width=width,
            height=height,
            size=len(data),
            scale=scale,
            margin=min(width, height) / scale / preprocessing.resized_side,
            chosen=scale == chosen,
            cosine=cosine(feature, _feature(pixels, vision)),
            mean_levels=float(np.abs(exact - pixels).mean()),
            largest_level=int(np.abs(exact - pixels).max()),
            full_ms=full_ms,
            scaled_ms=milliseconds,
        )
        for (scale, pixels), milliseconds in zip(inputs.items(), [full_ms, *scaled_ms], strict=True)
    ]


def _feature(pixels: Array, vision: FeatureExtractor) -> Array:
    return vision.backend.features(vision.bundle.preprocessing.normalise(pixels.astype(np.uint8)))


def _one_level_off(pixels: Array) -> Array:
    rng = np.random.default_rng(0)
    steps = rng.choice([-1, 1], pixels.shape) * (rng.random(pixels.shape) < _DISTURBED)
    disturbed: Array = np.clip(pixels + steps, 0, 255).astype(np.int16)
    return disturbed
