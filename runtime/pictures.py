"""Read untrusted picture files of every common format as upright 8-bit sRGB.

Memory is limited on a device, so a picture's size is checked in its header before a pixel is decoded.
Pictures up to 24 megapixels are decoded exactly; a larger JPEG (up to 64) is decoded at half its size or
less, which is still many times the backbone's input; larger pictures are refused. A caller that needs only a
small picture passes its size, and a JPEG is decoded at 1/2, 1/4 or 1/8.
"""

import hashlib
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.errors import PictureError, printable
from edge_tosca.runtime.cut_jpeg import read_cut_jpeg
from edge_tosca.runtime.file_kinds import JPEG, FileKind
from edge_tosca.runtime.libtiff import silence_libtiff
from edge_tosca.runtime.named_picture import NamedPicture
from edge_tosca.runtime.opened_picture import DecodedPicture, OpenedPicture
from edge_tosca.runtime.picture_bounds import (
    DECODED_PIXEL_LIMIT,
    PIXEL_LIMIT,
    SCALED_FORMATS,
    check_scans,
    check_size,
)
from edge_tosca.runtime.picture_file import PictureFile, first_line, open_bytes, open_file
from edge_tosca.runtime.picture_formats import (
    completed,
    decoder_file,
    open_image,
    read_header,
    recognise,
)
from edge_tosca.runtime.picture_objects import open_array, open_pil, read_open_file
from edge_tosca.runtime.spliced_file import Piece
from edge_tosca.runtime.to_rgb import to_rgb

PictureSource = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | NDArray[np.uint8]
    | NDArray[np.floating[Any]]
    | Image.Image
    | BinaryIO
    | NamedPicture
)
"""A path, the content of a picture's file, pixels, a PIL image, an open file, or a picture with a name."""

OBJECTS = "a path, bytes, a NumPy array, a PIL image, or a file that is open for bytes"

_DIGEST_BYTES = 1 << 20

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF orientation, what makes a picture upright."""

# Pillow's warnings on stderr repeat the errors raised here, or do not matter.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
silence_libtiff()


def load_picture(source: PictureSource, shortest: int | None = None) -> Image.Image:
    """Read one picture as upright RGB.

    The orientation that EXIF states is applied. Colours of another space (a profile, Adobe RGB, CMYK) become
    sRGB. Transparency (RGBA, LA, palette, colour key) is composited on white. Samples of 12 and 16 bits keep
    their high byte. Of an animation the first frame is read.

    Args:
        source: a path, the bytes of a picture file, pixels (uint8, or floats from 0 to 1; [h, w], [h, w, 1],
            [h, w, 3] or [h, w, 4]), a PIL image, a file open for bytes, or a named picture, of which the
            region is left to the caller.
        shortest: as for :func:`decoding_scale`; None for full size.

    Returns:
        The picture in mode RGB.

    Raises:
        PictureError: the source is missing, not a picture, damaged or too large.
    """
    return decode_picture(open_picture(source), source_name(source), shortest).image


def open_picture(source: PictureSource) -> OpenedPicture:
    """Read a picture's header, and refuse a picture that cannot be decoded within a device's memory.

    Args:
        source: as for :func:`load_picture`.

    Returns:
        The picture, with its pixels not decoded yet.

    Raises:
        PictureError: the source is missing, not a picture, or too large.
    """
    name = source_name(source)
    if isinstance(source, np.ndarray):
        return open_array(source, name)
    if isinstance(source, Image.Image):
        return open_pil(source, name)
    if isinstance(source, str | os.PathLike):
        file = open_file(Path(source), name)
    elif isinstance(source, NamedPicture):
        file = open_bytes(source.read(), name)
    elif isinstance(source, bytes | bytearray | memoryview):
        file = open_bytes(bytes(source), name)
    elif hasattr(source, "read"):
        file = open_bytes(read_open_file(source, name), name)
    else:
        raise PictureError(f"{name}: not a picture; give {OBJECTS}")
    try:
        return _open(file, name)
    except BaseException:
        file.close()
        raise


def decoding_scale(image: OpenedPicture, shortest: int | None) -> int:
    """Compute the factor by which a JPEG is reduced on decoding, by omitting high frequencies of its blocks.

    The factor divides both sides: the last pixel of a side that is rounded up covers less than the others,
    which stretches the picture (seen: grey levels off by up to 116, features by 0.01 in cosine).

    Args:
        image: the result of :func:`open_picture`.
        shortest: least shorter side of the decoded picture, pixels; None for full size.

    Returns:
        8, 4, 2 or 1: the picture's sides over the decoded ones. 1 for every other format.
    """
    if image.format not in SCALED_FORMATS:
        return 1
    if shortest is not None:
        for scale in (8, 4, 2):
            even = image.width % scale == 0 and image.height % scale == 0
            if even and min(image.size) >= scale * shortest:
                return scale
    return 2 if image.width * image.height > DECODED_PIXEL_LIMIT else 1


def decode_picture(picture: OpenedPicture, name: str, shortest: int | None = None) -> DecodedPicture:
    """Decode an opened picture to upright RGB and close its file.

    Args:
        picture: the result of :func:`open_picture`.
        name: of the picture, for errors.
        shortest: as for :func:`decoding_scale`; None for full size.

    Returns:
        The picture, with a note where its file lacks its end.

    Raises:
        PictureError: the picture is truncated or otherwise damaged.
    """
    # A damaged file can make a decoder raise nearly any exception, all with the same meaning.
    try:
        with picture:
            image, note = _load(picture, decoding_scale(picture, shortest))
            if (turn := _TURNS.get(picture.header.orientation)) is not None:
                upright = image.transpose(turn)
                # Frees the pixels, as a large picture leaves no room for them.
                image.close()
                image = upright
            return DecodedPicture(to_rgb(image, picture.header), note)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except Exception as error:
        kind = f" {picture.kind.name}" if picture.kind is not None else ""
        what = f"truncated or damaged{kind} ({first_line(error)}); take or copy it again"
        raise PictureError(f"{name}: {what}") from error


def file_sha256(picture: OpenedPicture) -> str | None:
    """Compute the SHA-256 of an opened picture's file.

    Args:
        picture: the result of :func:`open_picture`.

    Returns:
        The digest in hex; None for pixel arrays, which have no file.

    Raises:
        PictureError: the file cannot be read any more.
    """
    if picture.file is None:
        return None
    digest = hashlib.sha256()
    try:
        picture.file.seek(0)
        while data := picture.file.read(_DIGEST_BYTES):
            digest.update(data)
    except OSError as error:
        raise PictureError(f"the file cannot be read ({first_line(error)})") from error
    return digest.hexdigest()


def source_name(source: PictureSource) -> str:
    """Return a picture's name for errors: its file's name, or its shape or size."""
    if isinstance(source, np.ndarray):
        return f"array {list(source.shape)}"
    if isinstance(source, bytes | bytearray | memoryview):
        return f"{len(source)} bytes"
    if isinstance(source, Image.Image):
        return f"image {source.width}x{source.height}"
    if isinstance(source, str | os.PathLike):
        return printable(Path(source).name)
    name = getattr(source, "name", None)
    return printable(name) if isinstance(name, str) else type(source).__name__


def _open(file: PictureFile, name: str) -> OpenedPicture:
    decoded, kind = None, None
    try:
        kind = recognise(file, name)
        header = read_header(file, kind)
        decoded = decoder_file(file, header.pieces)
        image = open_image(decoded, kind)
        picture = OpenedPicture(image, completed(header, image, kind), file, decoded, kind)
        check_size(image, name)
        check_scans(image, file, name)
    except BaseException as error:
        if decoded is not None:
            decoded.close()
        if isinstance(error, Image.DecompressionBombError):
            most = PIXEL_LIMIT // 10**6
            raise PictureError(f"{name}: more than {most} megapixels; scale it down") from None
        if isinstance(error, PictureError):
            said = str(error)
            raise PictureError(said if said.startswith(f"{name}: ") else f"{name}: {said}") from None
        if isinstance(error, Exception):
            raise PictureError(f"{name}: {_unreadable(kind, error)}") from error
        raise
    return picture


def _unreadable(kind: FileKind | None, error: Exception) -> str:
    if kind is None:
        return f"cannot be read ({first_line(error)})"
    form = f"damaged {kind.name}, or {kind.name} in a form that is not read"
    return f"{form} ({first_line(error)}); take it again, or save it as JPEG"


def _load(picture: OpenedPicture, scale: int) -> tuple[Image.Image, str | None]:
    """Decode a picture, at a reduced size, and return what its file lacks."""
    try:
        _decode(picture.image, scale)
    except OSError as error:
        if picture.kind is not JPEG or picture.file is None or "truncated" not in str(error):
            raise
        file = picture.file

        def decode(pieces: Sequence[Piece]) -> Image.Image:
            with decoder_file(file, pieces) as decoded:
                return _decode(open_image(decoded, JPEG), scale)

        if (cut := read_cut_jpeg(file, picture.header.pieces, decode)) is None:
            raise
        return cut
    return picture.image, picture.header.note


def _decode(image: Image.Image, scale: int) -> Image.Image:
    if scale > 1:
        image.draft(image.mode, (image.width // scale, image.height // scale))
    image.load()
    return image
