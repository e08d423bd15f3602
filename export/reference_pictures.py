"""Other photographs than the calibration's, on which fidelity is judged, too.

Where the user gives none, they are crops of the two photographs that come with scikit-learn: a temple and a
flower. They separate recipes as other photographs do, which drawn pictures did not (docs/backbones.md).
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.errors import EdgeToscaError, PictureError
from edge_tosca.features.sampling import evenly
from edge_tosca.runtime.picture_folders import find_pictures
from edge_tosca.runtime.pictures import load_picture
from edge_tosca.runtime.preprocess import Preprocessing

MOST_PICTURES = 250
_CROPS = 32
_SMALLEST, _LARGEST = 0.25, 0.9
_OWN = "crops of scikit-learn's sample photographs"


def reference_pictures(
    folder: Path | None, preprocessing: Preprocessing
) -> tuple[list[NDArray[np.float32]], str]:
    """Prepare the pictures.

    Args:
        folder: of photographs, with any subfolders; None for crops of scikit-learn's.
        preprocessing: of the backbone.

    Returns:
        float32 [1, 3, size, size] each, and what they are.

    Raises:
        EdgeToscaError: the folder is missing or has no picture.
    """
    if folder is None:
        return [preprocessing(Image.fromarray(crop)) for crop in _crops()], _OWN
    try:
        paths = find_pictures(folder)
        chosen = [paths[place] for place in evenly(len(paths), MOST_PICTURES)]
        pictures = [preprocessing(load_picture(path)) for path in chosen]
    except PictureError as error:
        raise EdgeToscaError(f"{error} with --reference") from error
    if not pictures:
        raise EdgeToscaError(f"{folder}: no picture; name a folder of photographs with --reference")
    return pictures, folder.absolute().name


def _crops() -> list[NDArray[np.uint8]]:
    from sklearn.datasets import load_sample_images

    rng, crops = np.random.default_rng(0), []
    for image in load_sample_images().images:
        height, width, _ = image.shape
        for _ in range(_CROPS):
            side = int(rng.uniform(_SMALLEST, _LARGEST) * min(height, width))
            y, x = int(rng.integers(height - side)), int(rng.integers(width - side))
            crops.append(np.ascontiguousarray(image[y : y + side, x : x + side]))
    return crops
