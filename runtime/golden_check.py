"""Run the golden pictures on a backend and compare its features with the ones recorded at export."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden import GoldenPicture, cosine


def golden_feature(picture: GoldenPicture, bundle: Bundle, backend: Backend) -> NDArray[np.float32]:
    """Compute the feature of one golden picture, with the bundle's preprocessing.

    Args:
        picture: the golden picture.
        bundle: the bundle that the backend runs.
        backend: the backend.

    Returns:
        float32 [d].
    """
    return backend.features(bundle.preprocessing(Image.fromarray(picture.pixels())))


def golden_features(bundle: Bundle, backend: Backend) -> NDArray[np.float32]:
    """Compute the features of all golden pictures of a bundle.

    Args:
        bundle: the bundle that the backend runs.
        backend: the backend.

    Returns:
        float32 [g, d], one row a picture.
    """
    return np.stack([golden_feature(golden.picture, bundle, backend) for golden in bundle.golden])


def golden_cosines(bundle: Bundle, backend: Backend) -> list[float]:
    """Compare a backend's features of the golden pictures with the reference features.

    Args:
        bundle: the bundle that the backend runs.
        backend: the backend.

    Returns:
        One cosine for each golden picture, 1 where the features agree; below ``GOLDEN_FLOOR`` the device
        computes wrong features. A feature with a NaN or an infinity has cosine -1.
    """
    return cosines_to_golden(bundle, golden_features(bundle, backend))


def cosines_to_golden(bundle: Bundle, features: NDArray[np.float32]) -> list[float]:
    """Compare features of the golden pictures with the reference features.

    Args:
        bundle: the bundle with the reference features.
        features: float32 [g, d], one row a golden picture.

    Returns:
        The lowest cosine of a part, for each row.
    """
    ends = np.cumsum(bundle.widths)[:-1]
    return [
        min(map(cosine, np.split(golden.feature, ends), np.split(row, ends)))
        for golden, row in zip(bundle.golden, features, strict=True)
    ]
