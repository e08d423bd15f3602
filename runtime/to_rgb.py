"""Turn decoded pixels of every mode into RGB, by what a file states: profile, alpha, bits, white."""

import numpy as np
from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime.colour_conversion import lab_to_srgb, to_srgb
from edge_tosca.runtime.picture_header import PictureHeader


def to_rgb(image: Image.Image, header: PictureHeader) -> Image.Image:
    """Convert a decoded picture to sRGB on white.

    Args:
        image: the picture; its pixels may be changed.
        header: what its file states.

    Returns:
        The picture in mode RGB; the same one where it is so already.

    Raises:
        PictureError: the pixels mean nothing that can be shown.
    """
    alpha = None
    if image.mode == "I" or image.mode.startswith("I;16"):
        image, alpha = _high_byte(image, header)
    elif header.transparent:
        image.info["transparency"] = (
            header.transparent[0] if len(header.transparent) == 1 else header.transparent
        )
    if image.mode == "F":
        raise PictureError("floating point pixels; save it with 8 or 16 bits")
    if image.mode == "LAB":
        return lab_to_srgb(image)
    if image.mode == "La":
        # A grey of La is multiplied by its alpha, and a conversion to RGBA would drop that.
        image = image.convert("LA")
    if image.has_transparency_data:
        layer = image if image.mode == "RGBA" else image.convert("RGBA")
        alpha = layer.getchannel("A")
        image = layer if _profile(header) is None else layer.convert("RGB")
    if image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        image = image.convert("RGB")
    if (profile := _profile(header)) is not None:
        image = to_srgb(image, profile)
    if alpha is None:
        image = image if image.mode == "RGB" else image.convert("RGB")
        return image if _all_shown(image, header) else _framed(image, header)
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=alpha)
    return white if _all_shown(image, header) else _framed(white, header)


def _all_shown(image: Image.Image, header: PictureHeader) -> bool:
    return header.window is None or header.window == (0, 0, *image.size)


def _framed(image: Image.Image, header: PictureHeader) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    white.paste(image.crop(header.window), header.window)
    return white


def _profile(header: PictureHeader) -> bytes | None:
    if header.icc_profile is not None:
        return header.icc_profile
    return None if header.colours is None else header.colours.profile()


def _high_byte(image: Image.Image, header: PictureHeader) -> tuple[Image.Image, Image.Image | None]:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise PictureError("more than 16 bits a pixel; save it with 8 or 16 bits")
    alpha = None
    if header.transparent:
        opaque = values != header.transparent[0]
        alpha = Image.fromarray(255 * opaque.astype(np.uint8))
    high = (values >> (header.bits - 8)).astype(np.uint8)
    return Image.fromarray(255 - high if header.inverted else high), alpha
