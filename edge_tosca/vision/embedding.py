"""Features of a folder of class folders, as one NumPy file."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError
from edge_tosca.results import Skipped
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images


@dataclass(frozen=True)
class Embedding:
    """What was embedded.

    Attributes:
        images: pictures with features.
        classes: class folders.
        feature_dim: width of a feature.
        skipped: pictures that could not be read.
    """

    images: int
    classes: int
    feature_dim: int
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the report as plain values."""
        return asdict(self)


def embed_folder(
    folder: Path, out: Path, vision: FeatureExtractor, on_progress: Callable[[int, int], None]
) -> Embedding:
    """Write features (float32 [n, d]), labels (int64 [n]), class_names and paths to a .npz file.

    Args:
        folder: with one folder of pictures a class.
        out: the file, replaced in one step.
        vision: the backbone.
        on_progress: called with the pictures done and their number.

    Returns:
        What was written.

    Raises:
        LearnError: there is no readable picture, or the file cannot be written.
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
    try:
        _write(
            out,
            features=stacked,
            labels=np.array(labels, np.int64),
            class_names=np.array(list(classes)),
            paths=np.array(paths),
        )
    except OSError as error:
        raise LearnError(
            f"{out} cannot be written ({error.strerror}); name a file in a folder with room"
        ) from None
    return Embedding(len(stacked), len(classes), stacked.shape[1], tuple(skipped))


def _write(out: Path, **arrays: Array) -> None:
    """Write beside the final name first, so that a full disk or a power cut leaves no half a file."""
    with tempfile.NamedTemporaryFile(dir=out.parent, suffix=".npz", delete=False) as file:
        try:
            np.savez(file, allow_pickle=False, **arrays)
            file.close()
            Path(file.name).replace(out)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
