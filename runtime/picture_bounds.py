"""Bound the cost of decoding a picture by its header: memory first, then the decoder's work."""

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
"""Bytes that libtiff decompresses at once: a tile may be larger than its picture."""

SCALED_FORMATS = ("JPEG", "MPO")
"""Formats that a decoder can decode at a reduced size."""

_BITS, _SAMPLES, _STRIP_ROWS, _TILE_WIDTH, _TILE_HEIGHT = 258, 277, 278, 322, 323


def check_size(image: Image.Image, name: str) -> None:
    """Refuse a picture that cannot be decoded within a device's memory.

    Args:
        image: an opened picture.
        name: of the picture, for errors.

    Raises:
        PictureError: it has too many pixels, its aspect ratio is too high, or its blocks decompress to
            too many bytes.
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
            f"{name}: its tiles or strips unpack to over {TIFF_BLOCK_LIMIT // 10**6} MB each; save it again"
        )


def check_scans(image: Image.Image, file: PictureFile, name: str) -> None:
    """Refuse a JPEG with too many scans, or a progressive one that is too large to hold in memory.

    Args:
        image: an opened picture of any format.
        file: the picture's file.
        name: of the picture, for errors.

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
        raise PictureError(f"{name}: a JPEG in {scans} scans, far more than encoders write; save it again")


def _block_bytes(image: Image.Image, name: str) -> int:
    """Compute how many bytes libtiff decompresses at once; 0 where Pillow reads the pixels itself."""
    tiles = getattr(image, "tile", ())
    if not tiles or tiles[0][0] != "libtiff":
        return 0
    tags = getattr(image, "tag_v2", {})

    def tag(number: int, default: int) -> int:
        value = tags.get(number, default)
        values = value if isinstance(value, tuple) else (value,)
        # The header declares the type of a value: a width may be a text or a fraction.
        if not all(isinstance(value, int) and value >= 0 for value in values):
            raise PictureError(f"{name}: its header is damaged: tag {number} is no number; save it again")
        return max(values, default=default)

    width, height = image.size
    if tag(_TILE_WIDTH, 0):
        pixels = tag(_TILE_WIDTH, 0) * tag(_TILE_HEIGHT, 0)
    else:
        pixels = width * min(height, tag(_STRIP_ROWS, height))
    return pixels * tag(_SAMPLES, 1) * tag(_BITS, 1) // 8
