"""A folder with one folder of pictures per class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_tosca.errors import LearnError
from edge_tosca.labels import normalized_label
from edge_tosca.results import Skipped


@dataclass(frozen=True)
class ImageFolder:
    """What one walk through a folder found.

    Attributes:
        pictures: class name to its picture files, both sorted; a class without pictures has an empty list.
        skipped: class name to the files that are not taken, each with the reason; under the empty name
            pictures that lie in no class folder.
    """

    pictures: dict[str, list[Path]]
    skipped: dict[str, list[Skipped]]

    @property
    def skipped_of_classes(self) -> list[Skipped]:
        """The files in class folders that are not taken."""
        return [entry for label, entries in self.skipped.items() if label for entry in entries]


def list_images(folder: Path, *, follow_links: bool = False) -> ImageFolder:
    """List FOLDER/CLASS/picture files.

    Args:
        folder: with one folder per class in it; hidden ones and those that systems make are passed over.
        follow_links: take links to classes and pictures outside the folder, too.

    Returns:
        The pictures and the skipped files of each class.

    Raises:
        LearnError: the folder is missing, is not a folder, has no class folder, or a link for one that is not
            followed.
        PictureError: a folder in it cannot be searched.
    """
    from edge_tosca.runtime import is_hidden, list_pictures, look_at

    pictures: dict[str, list[Path]] = {}
    skipped: dict[str, list[Skipped]] = {}
    for label, place in _class_folders(folder, follow_links):
        found = list_pictures(place, follow_links=follow_links)
        # Two folders may spell one name differently in Unicode.
        pictures.setdefault(label, []).extend(found.pictures)
        skipped.setdefault(label, []).extend(
            Skipped(str(other.path), other.reason) for other in found.passed_over
        )
    skipped[""] = [
        Skipped(str(entry), "it lies in no class folder; move it into one")
        for entry in sorted(folder.iterdir())
        if not is_hidden(entry.name) and entry.is_file() and look_at(entry)[1]
    ]
    return ImageFolder(pictures, skipped)


def no_picture(folder: Path, skipped: Sequence[Skipped]) -> LearnError:
    """Return the error for a folder without a picture that can be read.

    Args:
        folder: of class folders.
        skipped: the files that were not taken.
    """
    reason = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else "; add pictures"
    return LearnError(f"{folder} has no readable picture{reason}")


def _class_folders(folder: Path, follow_links: bool) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise LearnError(f"{folder} {what}; name a folder with one folder of pictures per class")
    from edge_tosca.runtime import is_hidden, leads_back

    classes = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not is_hidden(entry.name)]
    if not classes:
        raise LearnError(
            f"{folder} has no class folders; put the pictures of a class NAME into {folder}/NAME"
        )
    inside = folder.resolve()
    for entry in classes:
        if not follow_links and not entry.resolve().is_relative_to(inside):
            raise LearnError(
                f"{entry} is a link that leads out of {folder}; move the pictures into it, or follow "
                "links with --follow-links"
            )
        if entry.is_symlink() and leads_back(entry):
            raise LearnError(f"{entry} is a link to a folder that holds it; remove the link")
    return [(normalized_label(entry.name), entry) for entry in classes]
