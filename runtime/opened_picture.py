"""A picture before and after its pixels are decoded."""

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from PIL import Image

from edge_tosca.runtime.file_kinds import FileKind
from edge_tosca.runtime.picture_file import PictureFile
from edge_tosca.runtime.picture_header import PictureHeader


@dataclass
class OpenedPicture:
    """A picture whose header was read, and whose pixels are not decoded yet.

    Attributes:
        image: of the decoder.
        header: what the file states; that of a plain picture for pixel arrays.
        file: the picture's own file; None for pixel arrays.
        decoded: the parts of it that the decoder reads; None for pixel arrays.
        kind: of the file; None for pixel arrays.
    """

    image: Image.Image
    header: PictureHeader
    file: PictureFile | None = None
    decoded: PictureFile | None = None
    kind: FileKind | None = None

    @property
    def format(self) -> str | None:
        """The decoder's name of the format; None for pixel arrays."""
        return self.image.format

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as stored."""
        return self.image.size

    @property
    def width(self) -> int:
        """Pixels, as stored."""
        return self.image.width

    @property
    def height(self) -> int:
        """Pixels, as stored."""
        return self.image.height

    @property
    def progressive(self) -> bool:
        """Whether it is a progressive JPEG, which is held in memory at full size."""
        return bool(self.image.info.get("progressive"))

    def close(self) -> None:
        """Close the files; pixels that were decoded stay."""
        for file in (self.decoded, self.file):
            if file is not None:
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class DecodedPicture:
    """A decoded picture.

    Attributes:
        image: upright, in mode RGB.
        note: what its file lacks although the picture can be used; None for a whole file.
    """

    image: Image.Image
    note: str | None = None
