"""One picture as the backbone saw it: the crop, its feature, and the map whose average it is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import PictureError
from edge_tosca.vision.feature_extractor import FeatureExtractor

if TYPE_CHECKING:
    from edge_tosca.runtime import PictureSource
    from edge_tosca.runtime.region import Region


@dataclass(frozen=True)
class LocatedFeature:
    """A picture's feature and where it comes from.

    Attributes:
        crop: what the backbone saw, uint8 [size, size, 3].
        feature: float32 [d], as for any other answer.
        map: last map before pooling, float32 [c, h, w].
        seen: left, top, width and height of the crop, as shares of the upright picture's width and height.
        note: what the picture's file lacks although it was read; None for a whole file.
    """

    crop: NDArray[np.uint8]
    feature: NDArray[np.float32]
    map: NDArray[np.float32]
    seen: tuple[float, float, float, float]
    note: str | None = None


def locate(
    vision: FeatureExtractor, source: "PictureSource", region: "Region | None" = None
) -> LocatedFeature:
    """Compute the feature of one picture, and its map.

    Args:
        vision: the backbone.
        source: a path, a file's content, or pixels, uint8 [h, w, 3].
        region: of the upright picture; None for all of it.

    Returns:
        Crop, feature and map.

    Raises:
        PictureError: the picture cannot be read, or its feature is not finite.
        BundleError: the backbone has no map.
    """
    from edge_tosca.runtime import infinite_feature
    from edge_tosca.runtime.pictures import decode_picture, decoding_scale, open_picture, source_name
    from edge_tosca.runtime.region_crop import cropped, whole_side

    preprocessing, name = vision.bundle.preprocessing, source_name(source)
    opened = open_picture(source)
    side = whole_side(opened, preprocessing.decoded_side, region)
    exact = decoding_scale(opened, side) == 1
    decoded = decode_picture(opened, name, side)
    part = cropped(decoded.image, region)
    crop = preprocessing.crop(part, exact=exact)
    feature = vision.backend.features(preprocessing.normalise(crop))
    if (reason := infinite_feature(feature, name)) is not None:
        raise PictureError(reason)
    seen = preprocessing.seen(*part.size)
    return LocatedFeature(crop, feature, map_of(vision, crop, feature), seen, decoded.note)


def map_of(
    vision: FeatureExtractor, crop: NDArray[np.uint8], feature: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Compute the map of a crop whose feature is known.

    Args:
        vision: the backbone. The map is always computed by ONNX Runtime on the processor: another runtime's
            shares would differ by its rounding alone.
        crop: what the backbone saw, uint8 [size, size, 3].
        feature: of the crop, float32 [d].

    Returns:
        float32 [c, h, w].

    Raises:
        BundleError: the backbone has no map, or its feature is not the map's average.
    """
    from edge_tosca.classifier.explanation import is_average
    from edge_tosca.runtime.feature_map import not_pooled

    found = vision.map_backend.feature_map(vision.bundle.preprocessing.normalise(crop))
    if not is_average(found, feature):
        raise not_pooled(vision.bundle)
    return found
