"""Convert colours to sRGB, which backbones were trained on, where a file states that they are others.

A phone's pictures are in Display P3, a camera's may be in Adobe RGB, a printer's in CMYK with a profile.
Read as sRGB their colours are wrong. Pixels of pictures that are sRGB, whatever their profile is called, are
left as they are.
"""

import contextlib
import io
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from edge_tosca.errors import PictureError

PROFILE_LIMIT = 4_000_000
"""Bytes of a profile; those of printers have one to three million."""

_HEADER_BYTES = 128
_GREY, _COLOUR = b"GRAY", b"RGB "
_SPACES = {"RGB": (_COLOUR, _GREY), "L": (_GREY, _COLOUR), "CMYK": (b"CMYK",)}
_SAME_LEVELS = 2
"""Six profiles called sRGB (of LittleCMS, Ghostscript, colord, OpenICC) were seen to differ by up to 1 level
of 255; gamma 2.2 with the same primaries by 6, BT.709 by 16, Display P3 by more."""

_PROBE_STEPS = 9


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert pixels from the colour space of an embedded profile to sRGB.

    A profile that is damaged or of another kind of pixels is disregarded, as browsers do.

    Args:
        image: a picture in mode L, RGB or CMYK; its pixels may be changed.
        profile: ICC profile.

    Returns:
        The picture in sRGB: in mode L for L, otherwise in RGB. The same picture where it is sRGB already, or
        where the profile is disregarded.

    Raises:
        PictureError: the profile is too large, or this installation cannot convert colours.
    """
    if not fits(profile[:_HEADER_BYTES], image.mode):
        return image
    if len(profile) > PROFILE_LIMIT:
        raise PictureError(f"its colour profile is over {PROFILE_LIMIT // 10**6} MB; convert it to sRGB")
    if image.mode == "L" or profile[16:20] == _GREY:
        levels = _grey_levels(profile)
        return image if levels is None else image.point(levels * len(image.getbands()))
    transform = _transform(profile, image.mode)
    if transform is None:
        return image
    return transform.apply_in_place(image) if image.mode == "RGB" else transform.apply(image)


def fits(start: bytes, mode: str) -> bool:
    """Return whether bytes begin an ICC profile of a mode's pixels.

    Args:
        start: the first 128 bytes of a profile.
        mode: Pillow's mode of the pixels.
    """
    return len(start) >= _HEADER_BYTES and start[36:40] == b"acsp" and start[16:20] in _SPACES.get(mode, ())


def lab_to_srgb(image: Image.Image) -> Image.Image:
    """Convert CIE L*a*b* of the D50 white to sRGB.

    Args:
        image: a picture in mode LAB.

    Returns:
        The picture in mode RGB.

    Raises:
        PictureError: this installation cannot convert colours.
    """
    # The table that LittleCMS computes by default is off by up to 10 levels.
    flags = ImageCms.Flags.NOOPTIMIZE | ImageCms.Flags.NOCACHE
    with _needing_littlecms():
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _to_srgb(lab, "LAB", flags).apply(image)


@lru_cache(maxsize=4)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform to sRGB; None if there is none, or it would change nothing but rounding."""
    # Several threads decode pictures with one transform.
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE
    if mode == "L":
        # The curve that LittleCMS resamples is off by up to 8 levels near black.
        flags |= ImageCms.Flags.NOOPTIMIZE
    try:
        with _needing_littlecms():
            transform = _to_srgb(ImageCms.ImageCmsProfile(io.BytesIO(profile)), mode, flags)
    # What LittleCMS cannot read or convert is no profile that anybody could apply.
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    if mode != "RGB":
        return transform
    probe = _probe()
    converted = np.asarray(transform.apply(probe), np.int16)
    same = np.abs(converted - np.asarray(probe, np.int16)).max() <= _SAME_LEVELS
    return None if same else transform


def _to_srgb(
    profile: ImageCms.ImageCmsProfile, mode: str, flags: ImageCms.Flags
) -> ImageCms.ImageCmsTransform:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.ImageCmsTransform(profile, srgb, mode, "RGB", intent, flags=flags)


@contextlib.contextmanager
def _needing_littlecms() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise PictureError(
            "its colours are not sRGB, and this Pillow has no LittleCMS to convert them; save it in sRGB"
        ) from error


@lru_cache(maxsize=4)
def _grey_levels(profile: bytes) -> list[int] | None:
    mode = "L" if profile[16:20] == _GREY else "RGB"
    transform = _transform(profile, mode)
    if transform is None:
        return None
    every = Image.frombytes("L", (256, 1), bytes(range(256))).convert(mode)
    # Equal in all channels: the white of a profile becomes that of sRGB, and grey stays grey.
    levels = np.asarray(transform.apply(every))[0, :, 1]
    if np.abs(levels - np.arange(256)).max() <= _SAME_LEVELS:
        return None
    return [int(level) for level in levels]


def _probe() -> Image.Image:
    steps = np.linspace(0, 255, _PROBE_STEPS).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    return Image.fromarray(cube.reshape(_PROBE_STEPS, -1, 3))
