"""The folder of a classification model of Frigate: dataset/CLASS/*.png, and train/*.webp not sorted yet.

Source: frigate/api/classification.py (blakeblackshear/frigate, 0.17): CLIPS_DIR/MODEL/dataset/CATEGORY and
CLIPS_DIR/MODEL/train; docs.frigate.video/configuration/custom_classification/object_classification.
"""

from collections.abc import Iterable
from pathlib import Path

from edge_tosca.labels import RESERVED
from edge_tosca.results import Skipped
from edge_tosca.vision.image_folder import ImageFolder

DATASET, TRAIN = "dataset", "train"

NOT_SORTED = "of Frigate, in no class yet; sort them there, or move them into a class"


def is_frigate(folders: Iterable[str]) -> bool:
    """Return whether folders of these names, beside each other, are those of a model of Frigate.

    Args:
        folders: names of all folders in one folder.
    """
    return set(folders) in ({DATASET, TRAIN}, {DATASET})


def class_folders(folder: Path) -> Path:
    """Return the folder of the class folders: of a model of Frigate its dataset, otherwise the folder.

    Args:
        folder: that a user named; it may be missing.
    """
    dataset = folder / DATASET
    try:
        if not dataset.is_dir():
            return folder
        folders = [entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name[0] != "."]
        inside = any(entry.is_dir() for entry in dataset.iterdir())
    except OSError:
        return folder
    return dataset if inside and is_frigate(folders) else folder


def without_reserved(found: ImageFolder) -> ImageFolder:
    """Leave out the classes that Frigate has and no learner can have: "none" and "unknown".

    Args:
        found: of the dataset.

    Returns:
        The other classes; the pictures of those are skipped, with what to do.
    """
    pictures = dict(found.pictures)
    skipped = {label: list(entries) for label, entries in found.skipped.items()}
    for label in [one for one in pictures if one.casefold() in RESERVED]:
        if paths := pictures.pop(label):
            reason = (
                f"Frigate's class {label!r}, of {len(paths)} pictures, is no class here; learn it with "
                "--none, in a call of its own"
            )
            skipped.setdefault("", []).append(Skipped(str(paths[0].parent), reason))
    return ImageFolder(pictures, skipped)
