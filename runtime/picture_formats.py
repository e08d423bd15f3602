"""The formats of pictures: which decoder reads each, and what each states about its pixels."""

import importlib.util
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial

from PIL import Image, UnidentifiedImageError, features

from edge_tosca.errors import PictureError
from edge_tosca.runtime.bmp_header import read_bmp_header
from edge_tosca.runtime.exif import read_exif
from edge_tosca.runtime.file_kinds import (
    AVIF,
    BMP,
    GIF,
    HEIC,
    JPEG,
    PNG,
    START_BYTES,
    TIFF,
    WEBP,
    FileKind,
    kind_of,
    unread_reason,
)
from edge_tosca.runtime.gif_header import read_gif_header
from edge_tosca.runtime.heif_header import read_heif_header
from edge_tosca.runtime.jpeg_header import read_jpeg_header
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import PictureHeader
from edge_tosca.runtime.png_header import read_png_header
from edge_tosca.runtime.spliced_file import Piece, SplicedFile
from edge_tosca.runtime.tiff_header import read_tiff_header
from edge_tosca.runtime.webp_header import read_webp_header

_READERS: dict[FileKind, Callable[[PictureFile], PictureHeader]] = {
    JPEG: read_jpeg_header,
    PNG: read_png_header,
    BMP: read_bmp_header,
    WEBP: read_webp_header,
    GIF: read_gif_header,
    TIFF: read_tiff_header,
    AVIF: partial(read_heif_header, kind=AVIF),
    HEIC: partial(read_heif_header, kind=HEIC),
}


@cache
def is_decoded(kind: FileKind) -> bool:
    """Return whether pictures of a kind are decoded in this installation.

    Args:
        kind: any.
    """
    if kind is HEIC:
        return importlib.util.find_spec("pillow_heif") is not None
    if kind is AVIF:
        # Pillow before 11.3 knows no such feature.
        return "avif" in features.modules and bool(features.check("avif"))
    return kind.group == "picture"


def recognise(file: PictureFile, name: str) -> FileKind:
    """Recognise a picture's file by its first bytes.

    Args:
        file: of the picture.
        name: of the picture.

    Returns:
        Its kind, one of those that are decoded.

    Raises:
        PictureError: it is of another kind.
    """
    file.seek(0)
    kind = kind_of(file.read(START_BYTES), name)
    if not is_decoded(kind):
        raise PictureError(unread_reason(kind))
    return kind


def read_header(file: PictureFile, kind: FileKind) -> PictureHeader:
    """Read what a picture's file states.

    Args:
        file: of the picture.
        kind: of the file.

    Returns:
        The header.

    Raises:
        PictureError: its pixels are of a kind that is not decoded.
    """
    return _READERS[kind](file)


def decoder_file(file: PictureFile, pieces: Sequence[Piece]) -> PictureFile:
    """Return a file of the parts of a picture's file that its decoder needs.

    Args:
        file: of the picture; it stays open when the other one is closed.
        pieces: of it; none for all of it.
    """
    return PictureFile(SplicedFile(file, pieces or [range(0, file.seek(0, io.SEEK_END))]))


def open_image(decoded: PictureFile, kind: FileKind) -> Image.Image:
    """Open a picture with its decoder, which reads its own header and no pixel.

    Args:
        decoded: the file for the decoder.
        kind: of the picture.

    Returns:
        The picture.

    Raises:
        PictureError: the decoder knows no such picture.
    """
    try:
        if kind is HEIC:
            from pillow_heif import HeifImageFile

            # The class itself: registering it with Pillow would change what other parts of a program open.
            image: Image.Image = HeifImageFile(decoded)
            return image
        return Image.open(decoded, formats=[kind.format])
    except (UnidentifiedImageError, SyntaxError):
        raise PictureError(
            f"damaged {kind.name}, or {kind.name} in a form that is not read; take it again, or save it "
            "as JPEG"
        ) from None


def completed(header: PictureHeader, image: Image.Image, kind: FileKind) -> PictureHeader:
    """Complete a header by what only the decoder finds.

    Args:
        header: of the file.
        image: opened.
        kind: of the file.

    Returns:
        The header, with the profile of a HEIC or AVIF file.
    """
    if kind not in (HEIC, AVIF):
        return header
    # Of the container, which the HEIC decoder follows itself. The camera's EXIF was hidden from the
    # decoders; that of AVIF writes a block of its own.
    turned = read_exif(image.info.get("exif") or b"").orientation if kind is AVIF else None
    return replace(header, icc_profile=image.info.get("icc_profile"), orientation=turned or 1)
