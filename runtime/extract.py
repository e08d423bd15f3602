"""Compute the features of many pictures: decoding of the next ones overlaps inference of this one."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.pictures import (
    PictureSource,
    decode_picture,
    decoding_scale,
    open_picture,
    source_name,
)
from edge_tosca.runtime.preprocess import Preprocessing

# Above this all pictures share one thread: two at a time would not fit a device's memory, and memory that
# one thread has freed is not given to another.
_LARGE_PICTURE_PIXELS = 4_000_000


@dataclass(frozen=True)
class Extracted:
    """One picture's features, or why there are none.

    Attributes:
        index: the picture's place among the sources.
        source: the picture as it was given.
        views: float32 [v, d], one row a view: the centre crop, then its mirror image; None on an error.
        error: why the picture could not be read, in one line; None if it could.
        decode_ms: milliseconds spent on reading and preparing it.
        features_ms: milliseconds spent in the backbone.
    """

    index: int
    source: PictureSource
    views: NDArray[np.float32] | None
    error: str | None
    decode_ms: float
    features_ms: float

    @property
    def features(self) -> NDArray[np.float32] | None:
        """The feature of the centre crop: float32 [d], or None on an error."""
        return None if self.views is None else self.views[0]


@dataclass(frozen=True)
class _Decoded:
    pixels: NDArray[np.float32] | None
    error: str | None
    milliseconds: float


def extract(
    sources: Iterable[PictureSource],
    preprocessing: Preprocessing,
    backend: Backend,
    *,
    views: int = 1,
    decode_threads: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Extracted]:
    """Compute features in the order of the sources; a picture that cannot be read does not end the run.

    Args:
        sources: paths, bytes of picture files, or pixel arrays.
        preprocessing: the bundle's.
        backend: the loaded backbone.
        views: 1 for the centre crop, 2 for its mirror image as well.
        decode_threads: threads that read and prepare pictures ahead of the backbone.
        on_progress: called with the number of pictures done, after each.

    Yields:
        One result for every source.

    Raises:
        ValueError: views is neither 1 nor 2, or decode_threads is below 1.
    """
    if views not in (1, 2) or decode_threads < 1:
        raise ValueError(
            f"views must be 1 or 2 and decode_threads at least 1, not {views} and {decode_threads}"
        )
    for done, result in enumerate(_pipeline(sources, preprocessing, backend, views, decode_threads), start=1):
        if on_progress is not None:
            on_progress(done)
        yield result


def _pipeline(
    sources: Iterable[PictureSource],
    preprocessing: Preprocessing,
    backend: Backend,
    views: int,
    decode_threads: int,
) -> Iterator[Extracted]:
    waiting = enumerate(sources)
    ahead: deque[tuple[int, PictureSource, Future[_Decoded]]] = deque()
    with (
        ThreadPoolExecutor(1, thread_name_prefix="decode-large") as large,
        ThreadPoolExecutor(decode_threads, thread_name_prefix="decode") as pool,
    ):

        def look_ahead(count: int) -> None:
            for index, source in islice(waiting, count):
                ahead.append((index, source, pool.submit(_decode, source, preprocessing, large)))

        try:
            look_ahead(2 * decode_threads)
            while ahead:
                index, source, future = ahead.popleft()
                decoded = future.result()
                look_ahead(1)
                yield _infer(index, source, decoded, backend, views)
        finally:
            for _, _, future in ahead:
                future.cancel()


def _decode(source: PictureSource, preprocessing: Preprocessing, large: Executor) -> _Decoded:
    try:
        image = open_picture(source)
    except PictureError as error:
        return _Decoded(None, str(error), 0.0)
    pixels = image.width * image.height
    # A progressive JPEG is held whole, whatever the size that it is decoded at.
    if not image.info.get("progressive"):
        pixels //= decoding_scale(image, preprocessing.decoded_side) ** 2
    if pixels > _LARGE_PICTURE_PIXELS:
        return large.submit(_prepare, image, source, preprocessing).result()
    return _prepare(image, source, preprocessing)


def _prepare(image: Image.Image, source: PictureSource, preprocessing: Preprocessing) -> _Decoded:
    start = time.perf_counter()
    pixels, error = None, None
    try:
        picture = decode_picture(image, source_name(source), preprocessing.decoded_side)
        pixels = preprocessing(picture)
        # Frees the decoded pixels before the next picture's turn.
        picture.close()
        image.close()
    except PictureError as reason:
        error = str(reason)
    return _Decoded(pixels, error, 1e3 * (time.perf_counter() - start))


def _infer(index: int, source: PictureSource, decoded: _Decoded, backend: Backend, views: int) -> Extracted:
    if decoded.pixels is None:
        return Extracted(index, source, None, decoded.error, decoded.milliseconds, 0.0)
    start = time.perf_counter()
    rows = [backend.features(decoded.pixels)]
    if views == 2:
        rows.append(backend.features(np.ascontiguousarray(decoded.pixels[..., ::-1])))
    milliseconds = 1e3 * (time.perf_counter() - start)
    return Extracted(index, source, np.stack(rows), None, decoded.milliseconds, milliseconds)
