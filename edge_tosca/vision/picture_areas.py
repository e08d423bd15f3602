"""Sums of a picture's last map by area, for pictures whose feature was computed without."""

from typing import TYPE_CHECKING

from edge_tosca.arrays import Array
from edge_tosca.errors import BundleError, PictureError
from edge_tosca.features.areas import area_sums
from edge_tosca.vision.feature_extractor import FeatureExtractor

if TYPE_CHECKING:
    from edge_tosca.runtime import PictureSource


def picture_areas(vision: FeatureExtractor, source: "PictureSource") -> Array | None:
    """Sum up the last map of one picture; it may be a small copy of the one whose feature is known.

    Args:
        vision: the backbone, which other threads may use meanwhile.
        source: a path, a file's content, or pixels, uint8 [h, w, 3].

    Returns:
        float32 [3, c] (`edge_tosca.features.areas`); None where the picture cannot be read or the loaded
        backbone gives no map.
    """
    from edge_tosca.runtime import load_picture
    from edge_tosca.runtime.onnxruntime_backend import OnnxRuntimeBackend

    if not isinstance(vision.backend, OnnxRuntimeBackend):
        return None
    try:
        return area_sums(vision.backend.feature_map(vision.bundle.preprocessing(load_picture(source))))
    except (PictureError, BundleError):
        return None
