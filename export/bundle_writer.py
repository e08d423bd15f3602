"""Write a backbone bundle atomically."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_tosca.errors import BundleError
from edge_tosca.runtime.built_in import DEFAULT_BUNDLE
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import BACKBONE, FORMAT, GRAPH_SIZE, MANIFEST
from edge_tosca.system.files import why_unwritable


def check_target(out: Path) -> None:
    """Raise if a bundle must not be written to a folder.

    Args:
        out: the future folder of the bundle.

    Raises:
        BundleError: the folder exists and is neither a bundle nor empty, or cannot be written.
    """
    if (reason := why_unwritable(out.absolute().parent)) is not None:
        raise BundleError(f"{out}: cannot be written: {reason}; name another folder with --out")
    if not out.exists() and not out.is_symlink():
        return
    if out.is_dir() and ((out / MANIFEST).is_file() or not any(out.iterdir())):
        return
    raise BundleError(f"{out}: exists and is not a bundle; name another folder with --out")


def write_bundle(out: Path, files: Mapping[str, bytes], entries: Mapping[str, Any]) -> Bundle:
    """Write a bundle's folder, replacing an existing bundle.

    Args:
        out: the folder.
        files: path inside the folder -> bytes.
        entries: the manifest's other entries.

    Returns:
        The bundle, loaded and verified.

    Raises:
        BundleError: the folder cannot be written.
    """
    check_target(out)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = {"format": FORMAT, **entries, "files": hashes}
    text = json.dumps(manifest, indent=1, allow_nan=False) + "\n"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
            fresh = Path(scratch) / "bundle"
            for name, data in {**_own(out, files, entries), MANIFEST: text.encode()}.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            Bundle.load(fresh)
            if out.exists():
                out.rename(Path(scratch) / "replaced")
            fresh.rename(out)
    except OSError as error:
        raise BundleError(f"{out}: cannot be written ({error.strerror}); name another folder") from error
    return Bundle.load(out)


def _own(out: Path, files: Mapping[str, bytes], entries: Mapping[str, Any]) -> dict[str, bytes]:
    """Leave out a resized graph beside the default bundle, which has the same file."""
    shared = GRAPH_SIZE in entries and out.absolute().parent == DEFAULT_BUNDLE.parent
    return {name: data for name, data in files.items() if not (shared and name == BACKBONE)}
