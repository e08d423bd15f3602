"""Pictures sorted into one folder a class."""

from pathlib import Path

from edge_tosca.errors import LearnError
from edge_tosca.labels import checked_label
from edge_tosca.results import Skipped


def pictures_by_class(folder: Path) -> dict[str, list[Path]]:
    """List FOLDER/CLASS/picture files.

    Args:
        folder: with one folder a class in it; hidden ones are passed over.

    Returns:
        Class name to its picture files, both sorted. A class without pictures has an empty list.

    Raises:
        LearnError: the folder is missing, is none, or has no class folder.
    """
    from edge_tosca.runtime import find_pictures

    pictures: dict[str, list[Path]] = {}
    for label, place in _class_folders(folder):
        # Two folders may spell one name differently in Unicode.
        pictures.setdefault(label, []).extend(find_pictures(place))
    return pictures


def passed_over_by_class(folder: Path) -> dict[str, list[Skipped]]:
    """List what looks like a picture in FOLDER, but is none of those that `pictures_by_class` gives.

    Args:
        folder: as there.

    Returns:
        Class name to its files, each with the reason; under the empty name what lies in no class folder.

    Raises:
        LearnError: as there.
    """
    from edge_tosca.runtime import KNOWN_SUFFIXES

    found: dict[str, list[Skipped]] = {}
    for label, place in _class_folders(folder):
        found.setdefault(label, []).extend(passed_over_in(place))
    found[""] = [
        Skipped(str(entry), "it lies in no class folder; move it into one")
        for entry in sorted(folder.iterdir())
        if entry.suffix.lower() in KNOWN_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    return found


def passed_over_in(folder: Path) -> list[Skipped]:
    """List what looks like a picture below a folder, but is not taken for one, with the reasons."""
    from edge_tosca.runtime import passed_over

    return [Skipped(str(path), reason) for path, reason in passed_over(folder)]


def _class_folders(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise LearnError(f"{folder} {what}; name a folder with one folder of pictures a class")
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
    return [(checked_label(entry.name), entry) for entry in classes]
