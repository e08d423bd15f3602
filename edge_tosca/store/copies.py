"""The copies of a store that are known: noted backups, and copies that were kept beside it.

`STORE.copies` has one JSON string a line, the path of a backup. Copies that are kept beside the store, before
a format is upgraded or a backup takes its place, are found by their names.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.location import real_path
from edge_tosca.system.files import IrregularFileError, give_to_owner_of, open_regular, write_atomically

_MAX_BYTES = 1 << 20
_KEPT = re.compile(r"\.(format-\d+|replaced)-\d{8}T\d{12}Z")


def known_copies(store: Path) -> list[Path]:
    """List the copies of a store that are known, whether they can be reached or not.

    Args:
        store: path of the store.

    Returns:
        Absolute paths, the noted backups first.

    Raises:
        StoreError: the list beside the store cannot be read.
    """
    place = real_path(store)
    kept = sorted(place.with_name(name) for name in _names(place.parent) if _is_kept(place, name))
    return list(dict.fromkeys([*_noted(place), *kept]))


def note_copy(store: Path, copy: Path) -> None:
    """Note a copy of a store beside it, so that `forget` can name it.

    Args:
        store: path of the store.
        copy: path of the copy.

    Raises:
        StoreError: the list cannot be written.
    """
    place, path = real_path(store), str(real_path(copy))
    noted = [str(one) for one in _noted(place)]
    if path not in noted:
        lines = "".join(json.dumps(one) + "\n" for one in [*noted, path])
        write_beside(place, ".copies", lines.encode())


def kept_name(store: Path, reason: str) -> Path:
    """Return the path of a copy that is kept beside a store from now on.

    Args:
        store: path of the store.
        reason: "replaced", or "format-" with the number of the format.
    """
    place = real_path(store)
    return place.with_name(f"{place.name}.{reason}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z")


def write_beside(store: Path, suffix: str, content: bytes) -> None:
    """Write a small file beside a store, for its owner only.

    Args:
        store: path of the store.
        suffix: of the file's name.
        content: of the file.

    Raises:
        StoreError: it cannot be written.
    """
    place = real_path(store)
    file = Path(f"{place}{suffix}")
    try:
        write_atomically(file, lambda out: out.write(content))
    except OSError as error:
        raise StoreError(
            f"{file} cannot be written ({error.strerror or error}); make room, or allow it"
        ) from None
    give_to_owner_of(file, place if place.exists() else place.parent)


def read_beside(store: Path, suffix: str) -> list[str]:
    """Read the lines of a small file beside a store.

    Args:
        store: path of the store.
        suffix: of the file's name.

    Returns:
        Its lines; none where there is no such file.

    Raises:
        StoreError: it cannot be read.
    """
    file = Path(f"{real_path(store)}{suffix}")
    try:
        with open_regular(file, _MAX_BYTES) as opened:
            return opened.read().decode().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, IrregularFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StoreError(f"{file} cannot be read ({reason}); restore a copy of it, or allow it") from None


def _noted(place: Path) -> list[Path]:
    try:
        return [Path(json.loads(line)) for line in read_beside(place, ".copies")]
    except (ValueError, TypeError, RecursionError):
        raise StoreError(
            f"{place}.copies is no list of copies; delete it, and note where the copies of {place.name} are"
        ) from None


def _is_kept(place: Path, name: str) -> bool:
    return name.startswith(place.name) and _KEPT.fullmatch(name, len(place.name)) is not None


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []
