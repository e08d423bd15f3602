"""A list of pictures and their classes, as CSV: path, class."""

import csv
import io
from pathlib import Path

from edge_tosca.errors import LearnError
from edge_tosca.runtime.picture_file import first_line
from edge_tosca.system.files import IrregularFileError, open_regular
from edge_tosca.vision.datasets.dataset import ENTRIES_LIMIT, TEXT_BYTES_LIMIT, Dataset
from edge_tosca.vision.datasets.members import FolderMembers, Members, RefusedError

_DELIMITERS = (",", ";", "\t")
_PATHS = frozenset({"path", "file", "filename", "file_name", "image", "picture"})
_CLASSES = frozenset({"class", "label", "category", "classname", "class_name"})
_HELP = "write one line a picture: path,class"


def read_file(path: Path, what: str) -> bytes:
    """Read a list or a description of a dataset.

    Args:
        path: of it.
        what: it should be, for errors.

    Raises:
        LearnError: it cannot be read, or is too large.
    """
    try:
        with open_regular(path, TEXT_BYTES_LIMIT) as file:
            return file.readall()
    except (OSError, IrregularFileError) as error:
        raise LearnError(f"{path}: cannot be read ({first_line(error)}); name {what}") from None


def read_list(path: Path, *, follow_links: bool = False) -> Dataset:
    """Read a list of pictures, whose paths are relative to the list.

    Args:
        path: of the list.
        follow_links: take links to pictures outside the list's folder, too.

    Returns:
        The pictures, by class; lines that cannot be taken are skipped.

    Raises:
        LearnError: the list cannot be read, or is no list.
    """
    return parse_list(read_file(path, "a list"), str(path), FolderMembers(path.parent, follow_links))


def parse_list(data: bytes, name: str, members: Members) -> Dataset:
    """Read the content of a list.

    Args:
        data: UTF-8, with commas, semicolons or tabs between path and class; a header may come first.
        name: of the list, for messages.
        members: the pictures.

    Returns:
        The pictures, by class.

    Raises:
        LearnError: it is no list, or has too many lines.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LearnError(f"{name}: not text in UTF-8; save the list as UTF-8") from None
    found = Dataset(name)
    path_at, class_at, lines = 0, 1, 0
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            lines += 1
            if lines > ENTRIES_LIMIT:
                raise LearnError(f"{name}: over {ENTRIES_LIMIT:,} lines; make several lists")
            if lines == 1 and (places := _header(cells)) is not None:
                path_at, class_at = places
                continue
            if len(cells) <= max(path_at, class_at) or not cells[path_at] or not cells[class_at]:
                found.skip(f"{name}:{number}", f"no path and class; {_HELP}")
                continue
            _add(found, members, cells[path_at], cells[class_at])
    except csv.Error as error:
        raise LearnError(f"{name}: not a list ({first_line(error)}); {_HELP}") from None
    if not lines:
        raise LearnError(f"{name}: the list is empty; {_HELP}")
    return found


def _header(cells: list[str]) -> tuple[int, int] | None:
    names = [cell.casefold() for cell in cells]
    path_at = next((at for at, name in enumerate(names) if name in _PATHS), None)
    class_at = next((at for at, name in enumerate(names) if name in _CLASSES), None)
    return None if path_at is None or class_at is None else (path_at, class_at)


def _add(found: Dataset, members: Members, path: str, label: str) -> None:
    try:
        found.add(label, path, members.picture(path))
    except RefusedError as error:
        found.skip(path, str(error), label)
