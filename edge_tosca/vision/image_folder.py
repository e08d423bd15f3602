"""A folder with one folder of pictures per class."""

from dataclasses import dataclass
from pathlib import Path

from edge_tosca.errors import LearnError, PictureError
from edge_tosca.labels import normalized_label
from edge_tosca.results import Skipped


@dataclass(frozen=True)
class ImageFolder:
    """What one walk through a folder found.

    Attributes:
        pictures: class name to its picture files, both sorted; a class without pictures has an empty list.
        skipped: class name to files that look like pictures and are not taken, each with the reason; under
            the empty name those that lie in no class folder.
    """

    pictures: dict[str, list[Path]]
    skipped: dict[str, list[Skipped]]


def list_images(folder: Path) -> ImageFolder:
    """List FOLDER/CLASS/picture files.

    Args:
        folder: with one folder per class in it; hidden ones are passed over.

    Returns:
        The pictures and the skipped files of each class.

    Raises:
        LearnError: the folder is missing, is not a folder, or has no class folder.
    """
    from edge_tosca.runtime import KNOWN_SUFFIXES, list_pictures

    pictures: dict[str, list[Path]] = {}
    skipped: dict[str, list[Skipped]] = {}
    for label, place in _class_folders(folder):
        found = list_pictures(place)
        # Two folders may spell one name differently in Unicode.
        pictures.setdefault(label, []).extend(found.pictures)
        skipped.setdefault(label, []).extend(Skipped(str(path), why) for path, why in found.passed_over)
    skipped[""] = [
        Skipped(str(entry), "it lies in no class folder; move it into one")
        for entry in sorted(folder.iterdir())
        if entry.suffix.lower() in KNOWN_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    return ImageFolder(pictures, skipped)


def list_unlabelled(folder: Path) -> list[Path]:
    """List the pictures of a folder and its subfolders, whatever these are called.

    Args:
        folder: with at least one picture.

    Returns:
        The pictures in sorted order.

    Raises:
        PictureError: the folder is missing, is not a folder, or holds no picture.
    """
    from edge_tosca.runtime import find_pictures

    pictures = find_pictures(folder)
    if not pictures:
        raise PictureError(f"{folder} holds no picture; name a folder of pictures")
    return pictures


def _class_folders(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise LearnError(f"{folder} {what}; name a folder with one folder of pictures per class")
    classes = [
        entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not entry.name.startswith(".")
    ]
    if not classes:
        raise LearnError(
            f"{folder} has no class folders; put the pictures of a class NAME into {folder}/NAME"
        )
    inside = folder.resolve()
    for entry in classes:
        if not entry.resolve().is_relative_to(inside):
            raise LearnError(f"{entry} is a link that leads out of {folder}; move the pictures into it")
    return [(normalized_label(entry.name), entry) for entry in classes]
