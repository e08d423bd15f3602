"""Small copies of pictures, for reports."""

from io import BytesIO

from edge_tosca.errors import PictureError

SIDE = 160
"""Longer side of a copy, pixels: about 6 kB each."""

_QUALITY = 80


def thumbnail(path: str) -> bytes | None:
    """Make a small copy of a picture, without its EXIF (place, time, device).

    Args:
        path: of the picture.

    Returns:
        The content of a JPEG file; None for a picture that cannot be read.
    """
    from edge_tosca.runtime import load_picture

    try:
        image = load_picture(path, SIDE)
    except PictureError:
        return None
    image.thumbnail((SIDE, SIDE))
    image.info.clear()
    out = BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
