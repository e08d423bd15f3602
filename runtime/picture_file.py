"""Open a picture's file with limits on its size and on the number of reads.

Pillow follows the offsets in an untrusted file. A header of a few bytes before a sparse region of terabytes,
or before a million empty blocks, would keep it busy for hours; a WebP is read whole at once.
"""

import io
from pathlib import Path

from edge_tosca.errors import PictureError
from edge_tosca.runtime.spliced_file import SplicedFile
from edge_tosca.system.files import IrregularFileError, open_regular

BYTES_LIMIT = 150_000_000
"""Size of a file: 24 megapixels of uncompressed 16-bit colours are 144 million bytes."""

READS_LIMIT = 1_000_000
"""Number of read calls. A PNG of 24 megapixels of noise, in the usual blocks of 8 KiB, takes 40,000."""


class PictureFile(io.BufferedReader):
    """A file that stops a decoder after too many reads.

    It exposes no file descriptor: with one, Pillow and libtiff map the file into memory, and a file that is
    truncated meanwhile would crash the process.
    """

    def __init__(self, raw: io.FileIO | io.BytesIO | SplicedFile) -> None:
        super().__init__(raw)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to size bytes.

        Raises:
            PictureError: the limit of reads is exceeded.
        """
        self._reads += 1
        if self._reads > READS_LIMIT:
            raise PictureError("in too many pieces; save it again")
        return super().read(size)

    def fileno(self) -> int:
        """Refuse to return a descriptor.

        Raises:
            io.UnsupportedOperation: always.
        """
        raise io.UnsupportedOperation("a picture's file has no descriptor")


def open_file(path: Path, name: str) -> PictureFile:
    """Open a picture's file without blocking.

    Args:
        path: of the picture.
        name: of the picture, for errors.

    Returns:
        The open file.

    Raises:
        PictureError: the file is missing, unreadable, empty, too large, or no regular file.
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
    """Wrap a picture's bytes in a file.

    Args:
        data: of the picture.
        name: of the picture, for errors.

    Returns:
        The open file.

    Raises:
        PictureError: there are no bytes, or too many.
    """
    if not data:
        raise PictureError(f"{name}: empty; take or copy it again")
    if len(data) > BYTES_LIMIT:
        raise PictureError(f"{name}: more than {BYTES_LIMIT // 10**6} MB")
    return PictureFile(io.BytesIO(data))


def first_line(error: Exception) -> str:
    """Describe an error in one line.

    Args:
        error: of the system or of a decoder.

    Returns:
        The first line of its message, or its type where the message is empty.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).strip().split("\n")[0] or type(error).__name__
