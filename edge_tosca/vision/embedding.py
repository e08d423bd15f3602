"""Export the features of a folder of pictures as one NumPy file."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.errors import LearnError
from edge_tosca.results import Skipped
from edge_tosca.system.files import write_atomically
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images


@dataclass(frozen=True)
class Embedding:
    """Report of one export.

    Attributes:
        images: number of pictures with features.
        classes: number of class folders.
        feature_dim: d, the width of a feature.
        skipped: pictures that could not be read.
    """

    images: int
    classes: int
    feature_dim: int
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def embed_folder(
    folder: Path, out: Path, vision: FeatureExtractor, on_progress: Callable[[int, int], None]
) -> Embedding:
    """Write features (float32 [n, d]), labels (int64 [n]), class_names and paths to a .npz file.

    Args:
        folder: with one folder of pictures per class.
        out: the file, replaced in one step.
        vision: the backbone.
        on_progress: called with the number of pictures done and of all pictures.

    Returns:
        The report.

    Raises:
        LearnError: there is no class folder or no readable picture, or the file cannot be written.
    """
    classes = list_images(folder).pictures
    items = [(label, path) for label, (_, paths) in enumerate(classes.items()) for path in paths]
    features, labels, paths, skipped = [], [], [], []
    extracted = vision.extract((path for _, path in items), lambda done: on_progress(done, len(items)))
    for (label, path), picture in zip(items, extracted, strict=True):
        if picture.features is None:
            skipped.append(Skipped(str(path), picture.error or "unreadable"))
        else:
            features.append(picture.features)
            labels.append(label)
            paths.append(str(path))
    if not features:
        raise LearnError(f"{folder} has no readable picture; nothing was written")
    stacked = np.stack(features)
    arrays: dict[str, Any] = {
        "features": stacked,
        "labels": np.array(labels, np.int64),
        "class_names": np.array(list(classes)),
        "paths": np.array(paths),
    }
    try:
        write_atomically(out, partial(np.savez, allow_pickle=False, **arrays))
    except OSError as error:
        raise LearnError(
            f"{out} cannot be written ({error.strerror}); name a file in a folder with room"
        ) from None
    return Embedding(len(stacked), len(classes), stacked.shape[1], tuple(skipped))
