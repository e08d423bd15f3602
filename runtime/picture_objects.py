"""Pictures that a Python program has already: pixels, PIL images, open files."""

from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edge_tosca.errors import PictureError
from edge_tosca.runtime.opened_picture import OpenedPicture
from edge_tosca.runtime.picture_bounds import check_size
from edge_tosca.runtime.picture_file import BYTES_LIMIT, first_line
from edge_tosca.runtime.picture_header import PictureHeader

_ARRAYS = "give uint8, or floats from 0 to 1: [h, w], [h, w, 1], [h, w, 3] or [h, w, 4] (RGB or RGBA)"
_CHANNELS = (1, 3, 4)


def open_array(pixels: NDArray[Any], name: str) -> OpenedPicture:
    """Take pixels as an opened picture.

    Args:
        pixels: grey, RGB or RGBA in the last axis; uint8, or floats from 0 to 1.
        name: of the picture, for errors.

    Returns:
        The picture.

    Raises:
        PictureError: they are none, or too many.
    """
    if pixels.dtype != np.uint8:
        pixels = _as_bytes(pixels, name)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in _CHANNELS)):
        raise PictureError(f"{name} of {pixels.dtype}: not a picture; {_ARRAYS}")
    if pixels.size == 0:
        raise PictureError(f"{name}: an empty picture")
    image = Image.fromarray(np.ascontiguousarray(pixels))
    check_size(image, name)
    return OpenedPicture(image, PictureHeader())


def open_pil(image: Image.Image, name: str) -> OpenedPicture:
    """Take a PIL image as an opened picture; the caller's image stays as it is.

    Args:
        image: of any mode, upright or with an orientation in its EXIF.
        name: of the picture, for errors.

    Returns:
        The picture, upright.

    Raises:
        PictureError: it is damaged or too large.
    """
    check_size(image, name)
    try:
        upright = ImageOps.exif_transpose(image.copy())
    except Exception as error:
        # A lazily opened file is decoded here, and a damaged one can raise nearly any exception.
        raise PictureError(f"{name}: truncated or damaged ({first_line(error)})") from error
    profile = image.info.get("icc_profile")
    return OpenedPicture(upright, PictureHeader(icc_profile=profile if isinstance(profile, bytes) else None))


def read_open_file(file: object, name: str) -> bytes:
    """Read a picture from an open file, from where it stands.

    Args:
        file: open for reading bytes.
        name: of the picture, for errors.

    Returns:
        The content.

    Raises:
        PictureError: it cannot be read, or is open for text.
    """
    try:
        data: object = cast(BinaryIO, file).read(BYTES_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise PictureError(f"{name}: cannot be read ({first_line(error)})") from None
    if not isinstance(data, bytes):
        raise PictureError(f'{name}: open for text; open it with mode "rb"')
    return data


def _as_bytes(pixels: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if not np.issubdtype(pixels.dtype, np.floating):
        raise PictureError(f"{name} of {pixels.dtype}: not a picture; {_ARRAYS}")
    # A NaN fails both comparisons.
    if pixels.size and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise PictureError(f"{name} of {pixels.dtype}: floats must lie in 0 .. 1; {_ARRAYS}")
    return np.rint(pixels.astype(np.float64) * 255).astype(np.uint8)
