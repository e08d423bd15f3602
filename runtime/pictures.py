"""Read untrusted picture files of every common format as upright 8-bit RGB.

Memory is limited on a device, so a picture's size is checked in its header before a pixel is decoded.
Pictures up to 24 megapixels are decoded exactly; a larger JPEG (up to 64) is decoded at half its size or
less, which is still many times the backbone's input; larger pictures are refused. A caller that needs only a
small picture passes its size, and a JPEG is decoded at 1/2, 1/4 or 1/8.
"""

import hashlib
import logging
import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from edge_tosca.errors import PictureError, printable
from edge_tosca.runtime.libtiff import silence_libtiff
from edge_tosca.runtime.picture_bounds import (
    DECODED_PIXEL_LIMIT,
    PIXEL_LIMIT,
    SCALED_FORMATS,
    check_scans,
    check_size,
)
from edge_tosca.runtime.picture_file import PictureFile, first_line, open_bytes, open_file

PictureSource = str | os.PathLike[str] | bytes | NDArray[np.uint8]

_DIGEST_BYTES = 1 << 20

# Only these decoders: some of Pillow's others start external programs.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")

# Pillow's warnings on stderr repeat the errors raised here, or do not matter (a camera's odd EXIF entry).
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
silence_libtiff()


def load_picture(source: PictureSource, shortest: int | None = None) -> Image.Image:
    """Read one picture as upright RGB.

    EXIF orientation is applied. Transparency (RGBA, LA, palette, colour key) is composited on white. 16-bit
    greys keep their high byte, as Pillow does for 16-bit colours. Of an animation the first frame is read.

    Args:
        source: a path, the bytes of a picture file, or pixels: uint8 [h, w, 3] or [h, w].
        shortest: as for :func:`decoding_scale`; None for full size.

    Returns:
        The picture in mode RGB.

    Raises:
        PictureError: the source is missing, not a picture, damaged or too large.
    """
    return decode_picture(open_picture(source), source_name(source), shortest)


def open_picture(source: PictureSource) -> Image.Image:
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
        image = _from_array(source)
        check_size(image, name)
        return image
    file = open_bytes(source, name) if isinstance(source, bytes) else open_file(Path(source), name)
    try:
        image = _open(file, name)
        check_size(image, name)
        check_scans(image, file, name)
    except BaseException:
        file.close()
        raise
    return image


def decoding_scale(image: Image.Image, shortest: int | None) -> int:
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


def decode_picture(image: Image.Image, name: str, shortest: int | None = None) -> Image.Image:
    """Decode an opened picture to upright RGB and close its file.

    Args:
        image: the result of :func:`open_picture`.
        name: of the picture, for errors.
        shortest: as for :func:`decoding_scale`; None for full size.

    Returns:
        The picture in mode RGB.

    Raises:
        PictureError: the picture is truncated or otherwise damaged.
    """
    file = getattr(image, "fp", None)
    # A damaged file can make a decoder raise nearly any exception, all with the same meaning.
    try:
        with image:
            if (scale := decoding_scale(image, shortest)) > 1:
                image.draft(image.mode, (image.width // scale, image.height // scale))
            image.load()
            # In place, so that an upright picture is not copied.
            ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except Exception as error:
        what = f"truncated or damaged ({first_line(error)}); take or copy it again"
        raise PictureError(f"{name}: {what}") from error
    finally:
        # Pillow closes only files that it has opened itself.
        if file is not None:
            file.close()


def file_sha256(image: Image.Image) -> str | None:
    """Compute the SHA-256 of an opened picture's file.

    Args:
        image: the result of :func:`open_picture`.

    Returns:
        The digest in hex; None for pixel arrays, which have no file.

    Raises:
        PictureError: the file cannot be read any more.
    """
    file = getattr(image, "fp", None)
    if file is None:
        return None
    digest, position = hashlib.sha256(), file.seek(0, os.SEEK_CUR)
    try:
        file.seek(0)
        while data := file.read(_DIGEST_BYTES):
            digest.update(data)
        # The decoder continues where the header ended.
        file.seek(position)
    except OSError as error:
        raise PictureError(f"the file cannot be read ({first_line(error)})") from error
    return digest.hexdigest()


def source_name(source: PictureSource) -> str:
    """Return a picture's name for errors: its file's name, or its shape or size."""
    if isinstance(source, np.ndarray):
        return f"array {list(source.shape)}"
    if isinstance(source, bytes):
        return f"{len(source)} bytes"
    return printable(Path(source).name)


def _from_array(pixels: NDArray[np.uint8]) -> Image.Image:
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    if pixels.dtype != np.uint8 or not (colour or pixels.ndim == 2):
        raise PictureError(
            f"array {list(pixels.shape)} of {pixels.dtype}: not a picture; give uint8 [h, w, 3] or [h, w]"
        )
    if pixels.size == 0:
        raise PictureError(f"array {list(pixels.shape)}: an empty picture")
    return Image.fromarray(np.ascontiguousarray(pixels))


def _open(file: PictureFile, name: str) -> Image.Image:
    try:
        return Image.open(file, formats=_FORMATS)
    except Image.DecompressionBombError:
        raise PictureError(f"{name}: more than {PIXEL_LIMIT // 10**6} megapixels; scale it down") from None
    except UnidentifiedImageError:
        raise PictureError(f"{name}: not a picture; save it as JPEG, PNG, BMP, WebP, GIF or TIFF") from None
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except Exception as error:
        raise PictureError(f"{name}: cannot be read ({first_line(error)})") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _high_byte(image)
    if image.mode == "F":
        raise PictureError("floating point pixels; save it with 8 or 16 bits")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(layer, mask=layer.getchannel("A"))
    return white


def _high_byte(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise PictureError("more than 16 bits a pixel; save it with 8 or 16 bits")
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
