"""Compute the features of many pictures: decoding of the next ones overlaps inference of these."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
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
    file_sha256,
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
        sha256: of the file that was decoded (hex); None for pixels, on an error, or if it was not asked for.
    """

    index: int
    source: PictureSource
    views: NDArray[np.float32] | None
    error: str | None
    decode_ms: float
    features_ms: float
    sha256: str | None = None

    @property
    def features(self) -> NDArray[np.float32] | None:
        """The feature of the centre crop: float32 [d], or None on an error."""
        return None if self.views is None else self.views[0]


@dataclass(frozen=True)
class _Decoded:
    pixels: NDArray[np.float32] | None
    error: str | None
    milliseconds: float
    sha256: str | None = None


@dataclass(frozen=True)
class _Prepared:
    index: int
    source: PictureSource
    decoded: _Decoded


def extract(
    sources: Iterable[PictureSource],
    preprocessing: Preprocessing,
    backend: Backend,
    *,
    views: int = 1,
    digests: bool = False,
    decode_threads: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Extracted]:
    """Compute features in the order of the sources; a picture that cannot be read does not end the run.

    Args:
        sources: paths, bytes of picture files, or pixel arrays.
        preprocessing: the bundle's.
        backend: the loaded backbone.
        views: 1 for the centre crop, 2 for its mirror image as well.
        digests: take the SHA-256 of each file that is decoded.
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
    prepared = _prepared(
        sources, partial(_decode, preprocessing=preprocessing, digests=digests), decode_threads
    )
    for done, result in enumerate(_inferred(prepared, backend, views), start=1):
        if on_progress is not None:
            on_progress(done)
        yield result


def _prepared(
    sources: Iterable[PictureSource],
    decode: Callable[[PictureSource, Executor], _Decoded],
    decode_threads: int,
) -> Generator[_Prepared]:
    waiting = enumerate(sources)
    ahead: deque[tuple[int, PictureSource, Future[_Decoded]]] = deque()
    with (
        ThreadPoolExecutor(1, thread_name_prefix="decode-large") as large,
        ThreadPoolExecutor(decode_threads, thread_name_prefix="decode") as pool,
    ):

        def look_ahead(count: int) -> None:
            for index, source in islice(waiting, count):
                ahead.append((index, source, pool.submit(decode, source, large)))

        try:
            look_ahead(2 * decode_threads)
            while ahead:
                index, source, future = ahead.popleft()
                decoded = future.result()
                look_ahead(1)
                yield _Prepared(index, source, decoded)
        finally:
            for _, _, future in ahead:
                future.cancel()


def _inferred(prepared: Generator[_Prepared], backend: Backend, views: int) -> Iterator[Extracted]:
    # What the backbone has been given but not answered yet; pictures that cannot be read wait their turn.
    under_way: deque[_Prepared] = deque()

    def pixels() -> Iterator[NDArray[np.float32]]:
        for item in prepared:
            under_way.append(item)
            if item.decoded.pixels is not None:
                yield item.decoded.pixels
                if views == 2:
                    yield np.ascontiguousarray(item.decoded.pixels[..., ::-1])

    def unreadable() -> Iterator[Extracted]:
        while under_way and under_way[0].decoded.pixels is None:
            item = under_way.popleft()
            yield Extracted(item.index, item.source, None, item.decoded.error, item.decoded.milliseconds, 0.0)

    # Closed by hand: left to themselves, generators that were not exhausted keep their threads.
    with closing(prepared), closing(backend.stream(pixels())) as inferences:
        for first in inferences:
            found = [first, *islice(inferences, views - 1)]
            yield from unreadable()
            item = under_way.popleft()
            yield Extracted(
                item.index,
                item.source,
                np.stack([inference.feature for inference in found]),
                None,
                item.decoded.milliseconds,
                sum(inference.milliseconds for inference in found),
                item.decoded.sha256,
            )
        yield from unreadable()


def _decode(
    source: PictureSource, large: Executor, *, preprocessing: Preprocessing, digests: bool
) -> _Decoded:
    try:
        image = open_picture(source)
    except PictureError as error:
        return _Decoded(None, str(error), 0.0)
    pixels = image.width * image.height
    # A progressive JPEG is held whole, whatever the size that it is decoded at.
    if not image.info.get("progressive"):
        pixels //= decoding_scale(image, preprocessing.decoded_side) ** 2
    if pixels > _LARGE_PICTURE_PIXELS:
        return large.submit(_prepare, image, source, preprocessing, digests).result()
    return _prepare(image, source, preprocessing, digests)


def _prepare(
    image: Image.Image, source: PictureSource, preprocessing: Preprocessing, digests: bool
) -> _Decoded:
    start = time.perf_counter()
    pixels, error, sha256 = None, None, None
    try:
        if digests:
            sha256 = file_sha256(image)
        exact = decoding_scale(image, preprocessing.decoded_side) == 1
        picture = decode_picture(image, source_name(source), preprocessing.decoded_side)
        pixels = preprocessing(picture, exact=exact)
        # Frees the decoded pixels before the next picture's turn.
        picture.close()
        image.close()
    except PictureError as reason:
        error, sha256 = str(reason), None
    return _Decoded(pixels, error, 1e3 * (time.perf_counter() - start), sha256)
