"""Classes of an archive's members: class folders, a project of Teachable Machine, folders of Frigate.

Teachable Machine ("Download project as file"; the .tm file is a zip, see
github.com/googlecreativelab/teachablemachine-community/issues/38) files the picture N of a class as
"CLASS-!-N.png" beside manifest.json. Its "Download samples" of one class has no class in it; it is learned
with --class.
"""

from pathlib import PurePosixPath

from edge_tosca.runtime.picture_folders import PICTURE_SUFFIXES
from edge_tosca.vision.datasets.archive import Archive
from edge_tosca.vision.datasets.dataset import Dataset
from edge_tosca.vision.datasets.frigate import DATASET, NOT_SORTED, is_frigate
from edge_tosca.vision.datasets.members import RefusedError

MANIFEST = "manifest.json"
SEPARATOR = "-!-"


def read_classes(archive: Archive) -> Dataset:
    """Find the classes of an archive's pictures.

    Args:
        archive: of class folders, in any number of folders around them; or a project of Teachable Machine.

    Returns:
        The pictures, by class.
    """
    found = Dataset(archive.name)
    for name, reason in archive.refused.items():
        found.skip(archive.path_of(name), reason)
    if MANIFEST in archive.names and any(SEPARATOR in name for name in archive.names):
        for name in archive.names:
            label, separator, _ = name.partition(SEPARATOR)
            if separator:
                _add(found, archive, name, label)
            elif name != MANIFEST:
                found.skip(archive.path_of(name), "it has no class in its name")
        return found
    not_sorted: list[str] = []
    root = _root([PurePosixPath(name).parts for name in archive.names])
    for name in archive.names:
        parts = PurePosixPath(name).parts[len(root) :]
        if root and root[-1] == DATASET and PurePosixPath(name).parts[: len(root)] != root:
            not_sorted.append(name)
        elif len(parts) > 1:
            _add(found, archive, name, parts[0])
        elif PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES:
            found.skip(archive.path_of(name), "it lies in no class folder; move it into one")
    if not_sorted:
        folder = PurePosixPath(not_sorted[0]).parent
        found.skip(archive.path_of(str(folder)), f"{len(not_sorted)} pictures {NOT_SORTED}")
    return found


def read_pictures(archive: Archive, label: str) -> Dataset:
    """Take all pictures of an archive for one class.

    Args:
        archive: of pictures, in any folders.
        label: the class.
    """
    found = Dataset(archive.name)
    for name, reason in archive.refused.items():
        found.skip(archive.path_of(name), reason, label)
    for name in archive.names:
        _add(found, archive, name, label)
    return found


def _add(found: Dataset, archive: Archive, name: str, label: str) -> None:
    try:
        found.add(label, archive.path_of(name), archive.picture(name))
    except RefusedError as error:
        found.skip(archive.path_of(name), str(error), label)


def _root(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Find the folder with the class folders, below folders that hold one other folder and nothing else."""
    root: tuple[str, ...] = ()
    while True:
        below = [path[len(root) :] for path in paths if path[: len(root)] == root]
        children = {path[0] for path in below if len(path) > 1}
        if is_frigate(children) and any(len(path) > 2 for path in below if path[0] == DATASET):
            return (*root, DATASET)
        # The folder around them may have files of its own, such as a licence.
        if len(children) != 1 or not any(len(path) > 2 for path in below):
            return root
        root = (*root, *children)
