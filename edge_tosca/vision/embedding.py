"""Export the features of a folder of pictures as one NumPy file."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_tosca.errors import LearnError
from edge_tosca.results import Note, Skipped
from edge_tosca.system.files import why_unwritable, write_atomically
from edge_tosca.vision.feature_extractor import FeatureExtractor
from edge_tosca.vision.image_folder import list_images, no_picture

if TYPE_CHECKING:
    from edge_tosca.runtime.region import Region


@dataclass(frozen=True)
class Embedding:
    """Report of one export.

    Attributes:
        images: number of pictures with features.
        classes: number of class folders.
        feature_dim: d, the width of a feature.
        skipped: pictures that could not be read, and other files that were not taken.
        notes: pictures that were read although their files lack their end.
    """

    images: int
    classes: int
    feature_dim: int
    skipped: tuple[Skipped, ...]
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def embed_folder(
    folder: Path,
    out: Path,
    vision: FeatureExtractor,
    on_progress: Callable[[int, int], None],
    *,
    follow_links: bool = False,
    region: "Region | None" = None,
) -> Embedding:
    """Write features (float32 [n, d]), labels (int64 [n]), class_names and paths to a .npz file.

    Args:
        folder: with one folder of pictures per class.
        out: the file, replaced in one step.
        vision: the backbone.
        on_progress: called with the number of pictures done and of all pictures.
        follow_links: take links to pictures outside the folder, too.
        region: of each upright picture; None for all of it.

    Returns:
        The report.

    Raises:
        LearnError: there is no class folder or no readable picture, or the file cannot be written.
    """
    _require_writable(out)
    found = list_images(folder, follow_links=follow_links)
    classes = found.pictures
    items = [(label, path) for label, (_, paths) in enumerate(classes.items()) for path in paths]
    if not items:
        raise no_picture(folder, found.skipped_of_classes)
    features, labels, paths, skipped, notes = [], [], [], found.skipped_of_classes, []
    extracted = vision.extract(
        (path for _, path in items), lambda done: on_progress(done, len(items)), region=region
    )
    for (label, path), picture in zip(items, extracted, strict=True):
        if picture.features is None:
            skipped.append(Skipped(str(path), picture.error or "unreadable"))
        else:
            if picture.note is not None:
                notes.append(Note(str(path), picture.note))
            features.append(picture.features)
            labels.append(label)
            paths.append(str(path))
    if not features:
        raise no_picture(folder, skipped)
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
    return Embedding(len(stacked), len(classes), stacked.shape[1], tuple(skipped), tuple(notes))


def _require_writable(out: Path) -> None:
    """Raise before any work where the file cannot be written."""
    folder = out.absolute().parent
    reason = f"{folder} does not exist" if not folder.exists() else why_unwritable(folder)
    if out.is_dir():
        reason = "it is a folder"
    if reason is not None:
        raise LearnError(f"{out} cannot be written: {reason}; name a file in a folder with room")
