"""The files of a bundle: their names, their places, and safe reading."""

import functools
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from edge_tosca.errors import BundleError
from edge_tosca.runtime.built_in import DEFAULT_BUNDLE
from edge_tosca.runtime.manifest import BACKBONE, GRAPH_SIZE, REMEDY, read_manifest, require_field
from edge_tosca.system.files import IrregularFileError, open_regular

_MOST_FILES = 100
_MOST_FILE_BYTES = 2 << 30
"""An ONNX file cannot be larger."""

_MOST_BYTES = 4 << 30


def named_files(manifest: Mapping[str, Any], where: Path) -> dict[str, str]:
    """Read the names and digests of a bundle's files.

    Args:
        manifest: the manifest.
        where: its file.

    Returns:
        Path inside the folder -> sha256 (hex).

    Raises:
        BundleError: the entry is malformed, or a file lies outside the bundle's folder.
    """
    files = require_field(dict(manifest), "files", dict, where)
    if len(files) > _MOST_FILES:
        raise BundleError(f"{where}: 'files' has {len(files)} entries, at most {_MOST_FILES}; {REMEDY}")
    if BACKBONE not in files:
        raise BundleError(f"{where}: 'files' does not name {BACKBONE}; {REMEDY}")
    for name, digest in files.items():
        parts = PurePosixPath(name)
        if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\\" in name or "\0" in name:
            raise BundleError(f"{where}: the file {name!r} lies outside the bundle; {REMEDY}")
        if not isinstance(digest, str) or len(digest) != 64:
            raise BundleError(f"{where}: the sha256 of {name!r} is malformed; {REMEDY}")
        inside = (where.parent / name).resolve()
        if not inside.is_relative_to(where.parent.resolve()):
            raise BundleError(f"{where}: the file {name!r} is a link that leaves the bundle; {REMEDY}")
    return dict(files)


def place_of(folder: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """Return where a file of a bundle lies.

    Args:
        folder: of the bundle.
        name: of the file in its manifest.
        manifest: the manifest.

    Returns:
        Its path in the folder. A graph that is resized may be missing there if it is the default bundle's by
        its digest, and is then read from that bundle; no manifest can name another place.
    """
    path = folder / name
    if name != BACKBONE or GRAPH_SIZE not in manifest or path.exists() or path.is_symlink():
        return path
    return DEFAULT_BUNDLE / BACKBONE if manifest["files"][name] == _default_graph() else path


@functools.cache
def _default_graph() -> str:
    return str(read_manifest(DEFAULT_BUNDLE)["files"][BACKBONE])


@contextmanager
def opened(path: Path) -> Iterator["io.BufferedReader[io.FileIO]"]:
    """Open a file of a bundle.

    Args:
        path: of the file.

    Yields:
        The open file.

    Raises:
        BundleError: it is missing, no regular file, too large, or cannot be read.
    """
    try:
        with open_regular(path, _most_bytes()) as file, io.BufferedReader(file) as buffered:
            yield buffered
    except FileNotFoundError:
        raise BundleError(f"{path}: missing, though the bundle's manifest names it; {REMEDY}") from None
    except IrregularFileError as error:
        raise BundleError(f"{path}: {error}, which no file of a bundle is; {REMEDY}") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    except MemoryError:
        raise BundleError(f"{path}: does not fit this device's memory; use a smaller backbone") from None


def require_sizes(paths: list[Path]) -> None:
    """Raise if the files of a bundle are too large together.

    Args:
        paths: of the files.

    Raises:
        BundleError: they are, or one cannot be read.
    """
    total = 0
    for path in paths:
        with opened(path) as file:
            total += os.fstat(file.fileno()).st_size
    if total > _MOST_BYTES:
        raise BundleError(
            f"{paths[0].parent}: the bundle's files have more than {_MOST_BYTES >> 30} GiB; {REMEDY}"
        )


def changed(path: Path) -> BundleError:
    """Return the error of a file whose sha256 differs from the manifest's."""
    return BundleError(f"{path}: changed since the bundle was made (its sha256 differs); {REMEDY}")


def _most_bytes() -> int:
    """Return the size of the largest file: no graph that takes half of the memory can be loaded."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(_MOST_FILE_BYTES, memory // 2)
