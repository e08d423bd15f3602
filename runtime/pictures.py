"""Read photographs of every common kind as upright 8-bit RGB.

Memory is the limit on a device, so a picture's size is checked in its header before a pixel is decoded.
Pictures up to 24 megapixels can be decoded exactly; a larger JPEG (up to 64) is decoded by the JPEG decoder
itself at half its size or less, which still leaves many times the backbone's input; larger pictures are
refused. Whoever needs only a small picture says how small, and a JPEG is decoded at 1/2, 1/4 or 1/8.
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

# Only these decoders: Pillow's others include ones that start outside programs.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")

# Pillow warns on stderr of what is told here in one line, or does not matter (a camera's odd EXIF entry).
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())
silence_libtiff()


def load_picture(source: PictureSource, shortest: int | None = None) -> Image.Image:
    """Read one picture as upright RGB.

    EXIF orientation is applied. Transparency (RGBA, LA, palette, colour key) is laid on white. 16-bit
    greys keep their high byte, as Pillow does for 16-bit colours. Of an animation the first frame is read.

    Args:
        source: a path, the bytes of a picture file, or pixels: uint8 [h, w, 3] or [h, w].
        shortest: as for :func:`decoding_scale`; None for every pixel.

    Returns:
        The picture in mode RGB.

    Raises:
        PictureError: the source is missing, not a picture, damaged or too large.
    """
    return decode_picture(open_picture(source), source_name(source), shortest)


def open_picture(source: PictureSource) -> Image.Image:
    """Read a picture's header, and refuse what could not be decoded within a device's memory.

    Args:
        source: as for :func:`load_picture`.

    Returns:
        A picture whose pixels are not decoded yet.

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
    """Say by how much a JPEG's decoder may shrink it: it works on blocks of 8, and leaves out fine waves.

    Both sides must divide evenly: of a side that is rounded up the last pixel shows less than the others, so
    that the picture would be stretched (seen: grey levels off by up to 116, features by 0.01 in cosine).

    Args:
        image: what :func:`open_picture` returned.
        shortest: the least that its shorter side may become, pixels; None for every pixel.

    Returns:
        8, 4, 2 or 1: the picture's sides over the decoded one's. 1 for every other format.
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
        image: what :func:`open_picture` returned.
        name: how errors call the picture.
        shortest: as for :func:`decoding_scale`; None for every pixel.

    Returns:
        The picture in mode RGB.

    Raises:
        PictureError: the picture is truncated or otherwise damaged.
    """
    file = getattr(image, "fp", None)
    # A damaged file can make a decoder raise nearly anything; all of it means the same to the reader.
    try:
        with image:
            if (scale := decoding_scale(image, shortest)) > 1:
                image.draft(image.mode, (image.width // scale, image.height // scale))
            image.load()
            # In place: what is upright already is not copied.
            ImageOps.exif_transpose(image, in_place=True)
            return _to_rgb(image)
    except PictureError as error:
        raise PictureError(f"{name}: {error}") from None
    except Exception as error:
        what = f"truncated or damaged ({first_line(error)}); take or copy it again"
        raise PictureError(f"{name}: {what}") from error
    finally:
        # Pillow closes what it has opened itself.
        if file is not None:
            file.close()


def file_sha256(image: Image.Image) -> str | None:
    """Compute the SHA-256 of the file that an opened picture is decoded from.

    Args:
        image: what :func:`open_picture` returned.

    Returns:
        The digest in hex; None for pixels, which have no file.

    Raises:
        PictureError: the file cannot be read any more.
    """
    file = getattr(image, "fp", None)
    if file is None:
        return None
    digest, place = hashlib.sha256(), file.tell()
    try:
        file.seek(0)
        while data := file.read(_DIGEST_BYTES):
            digest.update(data)
        # The decoder goes on where the header ended.
        file.seek(place)
    except OSError as error:
        raise PictureError(f"the file cannot be read ({first_line(error)})") from error
    return digest.hexdigest()


def source_name(source: PictureSource) -> str:
    """Say how errors call a picture: its file's name, or what it was given as."""
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
