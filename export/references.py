"""Add reference pictures to a bundle: features of unrelated photographs, for the threshold of unknowns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.bundle_writer import write_bundle
from edge_tosca.features.normalization import to_cache_dtype
from edge_tosca.features.sampling import evenly
from edge_tosca.runtime import Bundle, extract, find_pictures, open_backend
from edge_tosca.runtime.references import REFERENCE, REFERENCES_FILE, TENSOR

MOST_BYTES = 1_500_000
"""Of the features; the set is thinned evenly until it fits."""

_LICENCE_FILE = "LICENSE"
_UNSTATED = "not stated; the folder has no LICENSE file"


def add_references(
    folder: Path, pictures: Path, out: Path | None = None, on_progress: Callable[[int], None] | None = None
) -> dict[str, Any]:
    """Compute the features of reference pictures and write them into a bundle.

    The graph and every other file stay byte for byte the same, and so does the digest by which stores name
    their backbone.

    Args:
        folder: of the bundle.
        pictures: a folder of photographs, with any subfolders; its LICENSE file names their licence. They
            should show anything but what will be taught, and as different things as possible.
        out: folder of the new bundle; None to replace `folder`.
        on_progress: called after each picture with the number of pictures done.

    Returns:
        The manifest.

    Raises:
        BundleError: the bundle cannot be read or written.
        EdgeToscaError: there is no readable picture.
    """
    bundle = Bundle.load(folder)
    paths = find_pictures(pictures)
    most = MOST_BYTES // (2 * bundle.feature_dim)
    chosen = [paths[place] for place in evenly(len(paths), most)]
    backend = open_backend(bundle, "onnxruntime", "CPU", None)
    found = [
        each.features
        for each in extract(chosen, bundle.preprocessing, backend, on_progress=on_progress)
        if each.features is not None
    ]
    if not found:
        raise EdgeToscaError(
            f"{pictures}: no readable picture; name a folder of photographs with --reference"
        )
    features = to_cache_dtype(np.stack(found))
    files = {name: bundle.read(name) for name in bundle.files}
    entries = {key: value for key, value in bundle.manifest.items() if key not in ("format", "files")}
    entries[REFERENCE] = {
        "file": REFERENCES_FILE,
        "images": len(features),
        "of": len(paths),
        "source": pictures.absolute().name,
        "licence": _licence(pictures),
    }
    files[REFERENCES_FILE] = save({TENSOR: features})
    return write_bundle(out or folder, files, entries).manifest


def _licence(pictures: Path) -> str:
    try:
        text = (pictures / _LICENCE_FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return _UNSTATED
    return " ".join(text.split())[:2000]
