"""A picture's file as decoders may read it: no bigger than any picture is, and in no more steps.

Pillow reads where a file tells it to. A header of a few bytes before a hole of terabytes, or before a million
empty blocks, would keep it busy for hours; of a WebP the whole file is read at once.
"""

import io
from pathlib import Path

from edge_tosca.errors import PictureError
from edge_tosca.system.files import IrregularFileError, open_regular

BYTES_LIMIT = 150_000_000
"""Of a file: 24 megapixels of 16-bit colours, not compressed, are 144 million bytes."""

READS_LIMIT = 1_000_000
"""Calls for more of the file. A PNG of 24 megapixels of noise, in the usual blocks of 8 KiB, takes 40,000."""


class PictureFile(io.BufferedReader):
    """A file that ends a decoder's work when it asks too often.

    It gives no file descriptor away: through one, Pillow and libtiff map the file into memory, and a file
    that is cut short meanwhile would end the whole process.
    """

    def __init__(self, raw: io.FileIO | io.BytesIO) -> None:
        super().__init__(raw)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does.

        Raises:
            PictureError: it was read too often.
        """
        self._reads += 1
        if self._reads > READS_LIMIT:
            raise PictureError("in too many pieces; save it anew")
        return super().read(size)

    def fileno(self) -> int:
        """Give no descriptor.

        Raises:
            io.UnsupportedOperation: always.
        """
        raise io.UnsupportedOperation("a picture's file gives no descriptor away")


def open_file(path: Path, name: str) -> PictureFile:
    """Open a picture's file, without waiting for anything.

    Args:
        path: of the picture.
        name: how errors call it.

    Returns:
        The open file.

    Raises:
        PictureError: it is missing, cannot be read, is empty, too large, or no regular file.
    """
    try:
        file = PictureFile(open_regular(path, BYTES_LIMIT))
        if not file.peek(1):
            file.close()
            raise PictureError(f"{name}: empty; take or copy it again")
    except IrregularFileError as reason:
        what = {"a folder": "a folder, not a picture"}.get(str(reason), str(reason))
        raise PictureError(f"{name}: {what}") from None
    except FileNotFoundError:
        raise PictureError(f"{name}: no such file; check its name and folder") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{name}: cannot be read ({first_line(error)})") from error
    return file


def open_bytes(data: bytes, name: str) -> PictureFile:
    """Let a picture's bytes be read like a file.

    Args:
        data: of the picture.
        name: how errors call it.

    Returns:
        The open file.

    Raises:
        PictureError: there are none, or too many.
    """
    if not data:
        raise PictureError(f"{name}: empty; take or copy it again")
    if len(data) > BYTES_LIMIT:
        raise PictureError(f"{name}: more than {BYTES_LIMIT // 10**6} MB")
    return PictureFile(io.BytesIO(data))


def first_line(error: Exception) -> str:
    """Say what went wrong in one line.

    Args:
        error: of the system or of a decoder.

    Returns:
        The first line of its message, or its type where it has none.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).strip().split("\n")[0] or type(error).__name__
