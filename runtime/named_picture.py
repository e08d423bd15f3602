"""A picture that is no file of its own: a member of an archive, a frame, what a pipe gave."""

from collections.abc import Callable
from dataclasses import dataclass

from edge_tosca.runtime.region import Region


@dataclass(frozen=True, eq=False)
class NamedPicture:
    """A picture under a name for messages, read when it is decoded.

    Attributes:
        name: for reports and errors.
        read: returns the content of its file; called once each time the picture is decoded, from any thread.
            It raises PictureError where the picture cannot be read.
        region: of the upright picture, which stands for all of it; None for the whole.
    """

    name: str
    read: Callable[[], bytes]
    region: Region | None = None
