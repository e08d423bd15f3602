"""Open a dataset of any kind that is read."""

import io
import json
from pathlib import Path, PurePosixPath
from typing import Any

from edge_tosca.errors import LearnError, PictureError
from edge_tosca.system.files import IrregularFileError, open_regular
from edge_tosca.vision.datasets.archive import ARCHIVE_LIMIT, Archive
from edge_tosca.vision.datasets.archive_layout import read_classes
from edge_tosca.vision.datasets.coco import ANNOTATIONS, is_coco, read_coco
from edge_tosca.vision.datasets.csv_list import parse_list, read_file, read_list
from edge_tosca.vision.datasets.dataset import Dataset
from edge_tosca.vision.datasets.label_studio import is_label_studio, read_label_studio
from edge_tosca.vision.datasets.members import FolderMembers, Members

KINDS = "a folder of class folders, a zip archive, a list (.csv), or COCO or Label Studio JSON"

_ZIP = b"PK"
_MOST_JSON = 8
_LIST_SUFFIXES = (".csv", ".tsv")


def open_dataset(path: Path, *, follow_links: bool = False) -> Dataset:
    """Open a file that describes or holds labelled pictures.

    Args:
        path: of a zip archive, a list, or JSON.
        follow_links: take links to pictures outside the folder of a list or of JSON, too.

    Returns:
        The pictures, by class.

    Raises:
        LearnError: it cannot be read, or is none of these.
    """
    if is_archive(path):
        return _of_archive(Archive.open(path))
    if path.suffix.lower() in _LIST_SUFFIXES:
        return read_list(path, follow_links=follow_links)
    if path.suffix.lower() == ".json":
        value = _parsed(read_file(path, "JSON"), str(path))
        # COCO's own layout has the pictures in a folder beside that of the JSON file.
        apart = path.absolute().parent.name == ANNOTATIONS
        members = FolderMembers(path.absolute().parent.parent if apart else path.parent, follow_links)
        found = _of_json(value, str(path), members, ANNOTATIONS if apart else "")
        if found is not None:
            return found
    raise LearnError(f"{path} is not {KINDS}; for pictures of one class give --class NAME")


def described_folder(folder: Path, *, follow_links: bool = False) -> Dataset | None:
    """Open a folder by a JSON file in it, as labelling programs export it; None where there is none.

    Args:
        folder: that a user named; it may be missing.
        follow_links: take links to pictures outside it, too.

    Raises:
        LearnError: the file has too many pictures.
    """
    for path in sorted(folder.glob("*.json"))[:_MOST_JSON]:
        try:
            value = _parsed(read_file(path, "JSON"), str(path))
        except LearnError:
            # Of another program.
            continue
        found = _of_json(value, str(path), FolderMembers(folder, follow_links), "")
        if found is not None:
            return found
    return None


def is_archive(path: Path) -> bool:
    """Return whether a file begins as a zip archive does.

    Args:
        path: of any file.
    """
    try:
        with open_regular(path, ARCHIVE_LIMIT) as file:
            return file.read(2) == _ZIP
    except (OSError, IrregularFileError):
        return False


def archive_of(data: bytes) -> Archive | None:
    """Open what a pipe gave as an archive; None where it is none.

    Args:
        data: all of it.

    Raises:
        LearnError: it is a damaged archive.
    """
    return Archive(io.BytesIO(data), "standard input") if data.startswith(_ZIP) else None


def parse_dataset(data: bytes, name: str, folder: Path, *, follow_links: bool = False) -> Dataset:
    """Read what a pipe gave: a zip archive, or a list whose paths are relative to a folder.

    Args:
        data: all of it.
        name: for messages.
        folder: of the list's pictures.
        follow_links: take links to pictures outside the folder, too.

    Raises:
        LearnError: it is neither.
    """
    if data.startswith(_ZIP):
        return _of_archive(Archive(io.BytesIO(data), name))
    return parse_list(data, name, FolderMembers(folder, follow_links))


def _of_archive(archive: Archive) -> Dataset:
    for name in archive.names:
        if PurePosixPath(name).suffix.lower() != ".json" or len(PurePosixPath(name).parts) > 3:
            continue
        try:
            value = _parsed(archive.text(name), archive.path_of(name))
        except (LearnError, PictureError):
            # A text of another program; it is listed as no picture.
            continue
        base = str(PurePosixPath(name).parent)
        found = _of_json(value, archive.path_of(name), archive, "" if base == "." else base)
        if found is not None:
            return found
    return read_classes(archive)


def _of_json(value: Any, name: str, members: Members, base: str) -> Dataset | None:
    if is_coco(value):
        return read_coco(value, name, members, base)
    if is_label_studio(value):
        return read_label_studio(value, name, members, base)
    return None


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise LearnError(f"{name}: not JSON, or damaged; export it again") from None
