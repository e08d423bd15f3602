"""Labelled pictures, collected from a source whose names and entries cannot be trusted."""

from dataclasses import dataclass, field
from pathlib import PurePosixPath

from edge_tosca.errors import LearnError
from edge_tosca.labels import RESERVED, checked_label
from edge_tosca.results import Skipped
from edge_tosca.runtime import PictureSource

ENTRIES_LIMIT = 100_000
"""Pictures, members or lines of one source. Ten thousand pictures a lesson were measured."""

TEXT_BYTES_LIMIT = 64 << 20
"""Bytes of a list or of a JSON file; they are read at once."""


@dataclass
class Dataset:
    """Labelled pictures.

    Attributes:
        name: of the source, for messages.
        pictures: class name to its pictures.
        skipped: class name to what is not taken, each with the reason; under the empty name what has no
            class.
    """

    name: str
    pictures: dict[str, list[PictureSource]] = field(default_factory=dict)
    skipped: dict[str, list[Skipped]] = field(default_factory=dict)

    def add(self, label: str, path: str, picture: PictureSource) -> None:
        """Add a picture, or skip it where no class can have its label.

        Args:
            label: as the source spells it.
            path: of the picture, for the report.
            picture: itself.
        """
        try:
            name = checked_label(label)
        except LearnError as error:
            remedy = "; pictures of none of the classes are learned with --none"
            self.skip(path, f"{error}{remedy if label.strip().casefold() in RESERVED else ''}")
            return
        self.pictures.setdefault(name, []).append(picture)

    def skip(self, path: str, reason: str, label: str = "") -> None:
        """List what is not taken.

        Args:
            path: of it.
            reason: why, with what to do, in one line.
            label: of its class; none by default.
        """
        self.skipped.setdefault(label, []).append(Skipped(path, reason))

    @property
    def all_skipped(self) -> list[Skipped]:
        """What is not taken, of all classes."""
        return [entry for entries in self.skipped.values() for entry in entries]


def unsafe_name(name: str) -> str:
    """Return why a name in an archive or a list must not be followed; "" if it may be.

    Args:
        name: a relative path with "/" between folders, as it should be.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or name[1:2] == ":":
        return "an absolute path; write paths relative to the list or archive"
    if ".." in path.parts:
        return "a path that leaves its folder by '..'; put the picture beside the list or archive"
    if not path.parts or "\0" in name:
        return "no path of a file"
    return ""
