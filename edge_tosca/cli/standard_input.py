"""Standard input: one picture, or one path a line."""

import os
import sys
from pathlib import Path

from edge_tosca.errors import PictureError


def read_standard_input(limit: int | None = None) -> bytes:
    """Read all of standard input.

    Args:
        limit: most bytes; those of a picture's file by default.

    Returns:
        Its bytes.

    Raises:
        PictureError: there are none, or too many.
    """
    from edge_tosca.runtime.picture_file import BYTES_LIMIT

    most = BYTES_LIMIT if limit is None else limit
    data = sys.stdin.buffer.read(most + 1) if sys.stdin is not None else b""
    if not data:
        raise PictureError("standard input is empty; pipe a picture into it, or one path a line")
    if len(data) > most:
        raise PictureError(f"standard input has more than {most // 10**6} MB; name files instead")
    return data


def as_paths(data: bytes) -> list[Path] | None:
    """Read bytes as one path a line.

    Args:
        data: of standard input.

    Returns:
        The paths, without empty lines; None where the bytes are no text, or a picture.
    """
    from edge_tosca.runtime.file_kinds import START_BYTES
    from edge_tosca.runtime.picture_folders import is_picture_file

    if b"\0" in data or is_picture_file("", data[:START_BYTES]):
        return None
    return [Path(os.fsdecode(line)) for line in data.splitlines() if line.strip()]
