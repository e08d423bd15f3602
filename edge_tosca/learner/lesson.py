"""What one `learn` is given: the classes of a task with their features, and where these came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_tosca.arrays import Array
from edge_tosca.digests import pictures_digest, row_digests
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.results import Note, Skipped
from edge_tosca.store.source_images import SourceImage


@dataclass(frozen=True)
class LessonClass:
    """One class of a lesson.

    Attributes:
        features: float [n, d].
        names: of the pictures in reports, n of them.
        digests: sha256 (hex) of each picture's file; None for a picture that is not a file. Empty: none is.
        sources: files to be kept in the store, by index; empty unless asked for.
        areas: sums of the last map by area (`edge_tosca.features.areas`), float32 [3, c], of a few pictures
            by index; empty where they are not known.
    """

    features: Array
    names: Sequence[str]
    digests: Sequence[str | None] = ()
    sources: Mapping[int, SourceImage] = field(default_factory=dict)
    areas: Mapping[int, Array] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One digest of all pictures, whatever their order; a feature's digest stands for a missing file."""
        rows = row_digests(to_cache_dtype(self.features))
        files = self.digests or [None] * len(rows)
        return pictures_digest([file or row for file, row in zip(files, rows, strict=True)])


@dataclass(frozen=True)
class Lesson:
    """The classes of one task.

    Attributes:
        classes: by label, in the order in which they are taught.
        task: its name; None for the next free "task N".
        skipped: pictures that could not be read, for the report.
        feature_seconds: spent on the features, for the report.
        provenance: entries of the audit log that differ from the store's settings.
        notes: pictures whose files lack something, for the report.
    """

    classes: Mapping[str, LessonClass]
    task: str | None = None
    skipped: Sequence[Skipped] = ()
    feature_seconds: float = 0.0
    provenance: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[Note] = ()

    @property
    def images(self) -> int:
        """Number of pictures."""
        return sum(len(taught.features) for taught in self.classes.values())
