"""Turn a picture into a backbone's input, numerically equal to timm's evaluation transform."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
}
INTERPOLATIONS = frozenset(_RESAMPLING)

DECODING_MARGIN = 2.0
"""Decoded side of a JPEG over the resized side, at which features are as of the full size.

Over 31 photographs the mean cosine of FP32 features was 0.9996 at 2.9 times, 0.9993 at 2.1, 0.997 at 1.5 and
0.994 at 1.05; one grey level on a tenth of the pixels yields 0.9986 (docs/speed.md).
"""


@dataclass(frozen=True)
class Preprocessing:
    """Resize the shorter side, crop the centre, and standardise each channel as the backbone expects.

    The steps are those of ``timm.data.create_transform(is_training=False)`` with crop mode "center":
    torchvision's Resize of the shorter side to floor(size / crop_pct) with Pillow's resampling, its
    CenterCrop (offsets rounded half to even), ToTensor and Normalize.

    Attributes:
        size: side of the square input, pixels.
        mean: per channel, of pixels scaled to 0..1.
        std: standard deviation per channel, of pixels scaled to 0..1.
        interpolation: Pillow's resampling filter, one of ``INTERPOLATIONS``.
        crop_pct: input side over resized shorter side, in (0, 1].
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: float

    @property
    def resized_side(self) -> int:
        """Shorter side of a picture before cropping, pixels."""
        return math.floor(self.size / self.crop_pct)

    @property
    def decoded_side(self) -> int:
        """Least shorter side to which a JPEG may be reduced on decoding, pixels."""
        return math.ceil(DECODING_MARGIN * self.resized_side)

    def __call__(self, image: Image.Image, *, exact: bool = True) -> NDArray[np.float32]:
        """Prepare one picture.

        Args:
            image: a picture in mode RGB.
            exact: as for :meth:`crop`.

        Returns:
            The backbone's input: float32 [1, 3, size, size].
        """
        return self.normalise(self.crop(image, exact=exact))

    def crop(self, image: Image.Image, *, exact: bool = True) -> NDArray[np.uint8]:
        """Resize a picture and crop its centre.

        Args:
            image: a picture in mode RGB.
            exact: resize the whole picture, as timm does. Otherwise only the cropped part is resized, in two
                thirds of the time, and a pixel may differ by one grey level; meant for a picture that was
                decoded at a reduced size.

        Returns:
            The pixels: uint8 [size, size, 3].
        """
        width, height = image.size
        resized, box = self._resized(width, height)
        resampling = _RESAMPLING[self.interpolation]
        if not exact:
            across, down = width / resized[0], height / resized[1]
            kept = (box[0] * across, box[1] * down, box[2] * across, box[3] * down)
            return np.asarray(image.resize((self.size, self.size), resampling, kept))
        if resized != image.size:
            image = image.resize(resized, resampling)
        return np.asarray(image.crop(box))

    def seen(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return the part of a picture that is cropped.

        Args:
            width: of the upright picture, pixels.
            height: of it.

        Returns:
            Left, top, width and height of the part, as shares of the picture's; a picture of an extreme shape
            may be smaller than the crop.
        """
        (across, down), (left, top, _, _) = self._resized(width, height)
        return left / across, top / down, self.size / across, self.size / down

    def _resized(self, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
        """Return the size of the resized picture, and the box that is cropped from it."""
        shorter = self.resized_side
        if width <= height:
            resized = (shorter, int(shorter * height / width))
        else:
            resized = (int(shorter * width / height), shorter)
        left = round((resized[0] - self.size) / 2.0)
        top = round((resized[1] - self.size) / 2.0)
        return resized, (left, top, left + self.size, top + self.size)

    def normalise(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scale pixels to the backbone's range and order.

        Args:
            pixels: uint8 [size, size, 3].

        Returns:
            float32 [1, 3, size, size].
        """
        out = np.empty((1, 3, self.size, self.size), dtype=np.float32)
        for channel in range(3):
            np.take(self._levels[channel], pixels[:, :, channel], out=out[0, channel], mode="clip")
        return out

    @cached_property
    def _levels(self) -> NDArray[np.float32]:
        # A channel has 256 values, so ToTensor and Normalize together are one look-up in this table.
        grey = np.arange(256, dtype=np.float32) / np.float32(255)
        mean = np.array(self.mean, dtype=np.float32)[:, None]
        std = np.array(self.std, dtype=np.float32)[:, None]
        return ((grey - mean) / std).astype(np.float32)
