"""What decoding a picture may cost, judged by its header: memory first, then the decoder's work."""

from PIL import Image

from edge_tosca.errors import PictureError
from edge_tosca.runtime.jpeg_scans import count_scans
from edge_tosca.runtime.picture_file import PictureFile

PIXEL_LIMIT = 64_000_000
DECODED_PIXEL_LIMIT = 24_000_000
ASPECT_LIMIT = 100

SCANNED_PIXEL_LIMIT = 20 * DECODED_PIXEL_LIMIT
"""Pixels times scans of a JPEG: 24 megapixels in twice the ten scans that encoders make."""

TIFF_BLOCK_LIMIT = 4 * DECODED_PIXEL_LIMIT
"""Bytes that libtiff unpacks at once: a tile may be larger than the picture that it is a tile of."""

SCALED_FORMATS = ("JPEG", "MPO")
"""What a decoder can shrink."""

_BITS, _SAMPLES, _STRIP_ROWS, _TILE_WIDTH, _TILE_HEIGHT = 258, 277, 278, 322, 323


def check_size(image: Image.Image, name: str) -> None:
    """Refuse what could not be decoded within a device's memory.

    Args:
        image: an opened picture.
        name: how errors call it.

    Raises:
        PictureError: it has too many pixels, is too long and thin, or unpacks to more than it shows.
    """
    width, height = image.size
    kind = image.format or "picture"
    limit = PIXEL_LIMIT if kind in SCALED_FORMATS else DECODED_PIXEL_LIMIT
    if width * height > limit:
        raise PictureError(
            f"{name}: {width}x{height}: a {kind} may have {limit // 10**6} megapixels; scale it down"
        )
    if max(width, height) > ASPECT_LIMIT * min(width, height):
        raise PictureError(
            f"{name}: {width}x{height}: one side is over {ASPECT_LIMIT} times the other; crop it"
        )
    if kind == "TIFF" and _block_bytes(image, name) > TIFF_BLOCK_LIMIT:
        raise PictureError(
            f"{name}: its tiles or strips unpack to over {TIFF_BLOCK_LIMIT // 10**6} MB each; save it anew"
        )


def check_scans(image: Image.Image, file: PictureFile, name: str) -> None:
    """Refuse a JPEG that its decoder would go over too often, or would have to hold whole.

    Args:
        image: an opened picture of any format.
        file: what it is read from.
        name: how errors call it.

    Raises:
        PictureError: it has too many scans for its size.
    """
    if image.format not in SCALED_FORMATS:
        return
    pixels = image.width * image.height
    scans = count_scans(file)
    if scans > 1 and pixels > DECODED_PIXEL_LIMIT:
        limit = DECODED_PIXEL_LIMIT // 10**6
        raise PictureError(f"{name}: a progressive JPEG may have {limit} megapixels; scale it down")
    if scans > 1 and scans * pixels > SCANNED_PIXEL_LIMIT:
        raise PictureError(f"{name}: a JPEG in {scans} scans, far more than encoders make; save it anew")


def _block_bytes(image: Image.Image, name: str) -> int:
    """Say how much libtiff unpacks at once; 0 where Pillow reads the pixels itself."""
    tiles = getattr(image, "tile", ())
    if not tiles or tiles[0][0] != "libtiff":
        return 0
    tags = getattr(image, "tag_v2", {})

    def tag(number: int, default: int) -> int:
        value = tags.get(number, default)
        values = value if isinstance(value, tuple) else (value,)
        # The header says of what type a value is, and may say that a width is a text or a fraction.
        if not all(isinstance(value, int) and value >= 0 for value in values):
            raise PictureError(f"{name}: its header is damaged: tag {number} is no number; save it anew")
        return max(values, default=default)

    width, height = image.size
    if tag(_TILE_WIDTH, 0):
        pixels = tag(_TILE_WIDTH, 0) * tag(_TILE_HEIGHT, 0)
    else:
        pixels = width * min(height, tag(_STRIP_ROWS, height))
    return pixels * tag(_SAMPLES, 1) * tag(_BITS, 1) // 8
