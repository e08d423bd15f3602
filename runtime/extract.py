"""Compute the features of many pictures; decoding of the next pictures overlaps inference."""

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

from edge_tosca.errors import PictureError
from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.named_picture import NamedPicture
from edge_tosca.runtime.opened_picture import OpenedPicture
from edge_tosca.runtime.pictures import (
    PictureSource,
    decode_picture,
    decoding_scale,
    file_sha256,
    open_picture,
    source_name,
)
from edge_tosca.runtime.preprocess import Preprocessing
from edge_tosca.runtime.region import Region
from edge_tosca.runtime.region_crop import cropped, whole_side

# Larger pictures share one thread: two at a time would not fit a device's memory, and memory that one
# thread has freed is not reused by another.
_LARGE_PICTURE_PIXELS = 4_000_000


@dataclass(frozen=True)
class Extracted:
    """One picture's features, or why there are none.

    Attributes:
        index: position among the sources.
        source: the picture as passed.
        views: float32 [v, d], one row a view: the centre crop, then its mirror image; None on an error.
        error: why the picture could not be read, in one line; None without an error.
        decode_ms: milliseconds of reading and preprocessing.
        features_ms: milliseconds of inference.
        sha256: of the decoded file (hex); None for pixel arrays, on an error, or if not requested.
        note: what the file lacks although the picture was read; None for a whole file.
        areas: sums of the centre crop's last map by area, as in `Inference`; None unless requested.
    """

    index: int
    source: PictureSource
    views: NDArray[np.float32] | None
    error: str | None
    decode_ms: float
    features_ms: float
    sha256: str | None = None
    note: str | None = None
    areas: NDArray[np.float32] | None = None

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
    note: str | None = None


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
    region: Region | None = None,
    areas: bool = False,
    decode_threads: int = 2,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Extracted]:
    """Compute features in the order of the sources; an unreadable picture does not end the run.

    Args:
        sources: paths, bytes of picture files, or pixel arrays.
        preprocessing: of the bundle.
        backend: the loaded backbone.
        views: 1 for the centre crop, 2 for its mirror image as well.
        digests: compute the SHA-256 of each decoded file.
        region: of each upright picture, whose feature is computed; None for all of it. That of a named
            picture comes before.
        areas: sum up the last map by area, where the backbone gives one.
        decode_threads: threads that read and preprocess pictures ahead of the backbone.
        on_progress: called after each picture with the number of pictures done.

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
        sources,
        partial(_decode, preprocessing=preprocessing, digests=digests, region=region),
        decode_threads,
    )
    for done, result in enumerate(_inferred(prepared, backend, views, areas), start=1):
        if on_progress is not None:
            on_progress(done)
        yield result


def infinite_feature(rows: NDArray[np.float32], name: str) -> str | None:
    """Return why a picture's features cannot be used, if they hold a NaN or an infinity.

    Args:
        rows: the features, float32 [..., d].
        name: of the picture.

    Returns:
        The error in one line; None where every number is finite.
    """
    if np.isfinite(rows).all():
        return None
    return (
        f"{name}: the backbone computes no finite feature of it; check the backbone with: edge-tosca doctor"
    )


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


def _inferred(
    prepared: Generator[_Prepared], backend: Backend, views: int, areas: bool
) -> Iterator[Extracted]:
    # Pictures whose features are not computed yet, in order, with the unreadable ones between them.
    pending: deque[_Prepared] = deque()

    def pixels() -> Iterator[NDArray[np.float32]]:
        for item in prepared:
            pending.append(item)
            if item.decoded.pixels is not None:
                yield item.decoded.pixels
                if views == 2:
                    yield np.ascontiguousarray(item.decoded.pixels[..., ::-1])

    def unreadable() -> Iterator[Extracted]:
        while pending and pending[0].decoded.pixels is None:
            item = pending.popleft()
            yield Extracted(item.index, item.source, None, item.decoded.error, item.decoded.milliseconds, 0.0)

    # Closed explicitly: generators that were not exhausted would keep their threads.
    with closing(prepared), closing(backend.stream(pixels(), areas=areas)) as inferences:
        for first in inferences:
            found = [first, *islice(inferences, views - 1)]
            yield from unreadable()
            item = pending.popleft()
            rows = np.stack([inference.feature for inference in found])
            error = infinite_feature(rows, source_name(item.source))
            yield Extracted(
                item.index,
                item.source,
                rows if error is None else None,
                error,
                item.decoded.milliseconds,
                sum(inference.milliseconds for inference in found),
                item.decoded.sha256 if error is None else None,
                item.decoded.note,
                first.areas if error is None else None,
            )
        yield from unreadable()


def _decode(
    source: PictureSource,
    large: Executor,
    *,
    preprocessing: Preprocessing,
    digests: bool,
    region: Region | None,
) -> _Decoded:
    name = source_name(source)
    try:
        picture = open_picture(source)
    except PictureError as error:
        return _Decoded(None, str(error), 0.0)
    if isinstance(source, NamedPicture) and source.region is not None:
        region = source.region
    try:
        side = whole_side(picture, preprocessing.decoded_side, region)
    except PictureError as error:
        picture.close()
        return _Decoded(None, f"{name}: {error}", 0.0)
    pixels = picture.width * picture.height
    # A progressive JPEG is held in memory at full size, also when it is decoded at a reduced size.
    if not picture.progressive:
        pixels //= decoding_scale(picture, side) ** 2
    prepare = partial(_prepare, picture, name, preprocessing, digests, side, region)
    if pixels > _LARGE_PICTURE_PIXELS:
        return large.submit(prepare).result()
    return prepare()


def _prepare(
    picture: OpenedPicture,
    name: str,
    preprocessing: Preprocessing,
    digests: bool,
    side: int,
    region: Region | None,
) -> _Decoded:
    start = time.perf_counter()
    try:
        sha256 = file_sha256(picture) if digests else None
        exact = decoding_scale(picture, side) == 1
        decoded = decode_picture(picture, name, side)
        image = cropped(decoded.image, region)
        pixels = preprocessing(image, exact=exact)
        # Frees the decoded pixels before the next picture is decoded.
        image.close()
        picture.image.close()
    except PictureError as reason:
        return _Decoded(None, str(reason), 1e3 * (time.perf_counter() - start))
    return _Decoded(pixels, None, 1e3 * (time.perf_counter() - start), sha256, decoded.note)
