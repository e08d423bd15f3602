"""Run the golden pictures once on a device, and remember what it gave until anything about it changes."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from edge_tosca.runtime.backend import Backend
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden import GOLDEN_FLOOR, cosines_to_golden, golden_features
from edge_tosca.runtime.manifest import input_of
from edge_tosca.runtime.user_cache import cache_folder

# Counts up when this program begins to run graphs in another way.
_HOW = 3


def remembered_golden_features(bundle: Bundle, backend: Backend) -> NDArray[np.float32]:
    """Give the backend's features of the golden pictures, from the cache where it has faithful ones.

    A cached file that is torn, or says anything but what a faithful device gives, is as good as none. A
    device that was unfaithful is asked again every time: its driver may have been mended.

    Args:
        bundle: the bundle that the backend runs.
        backend: the backend.

    Returns:
        float32 [g, d], one row a golden picture.
    """
    folder = cache_folder("golden") if backend.hardware else None
    path = None if folder is None else folder / f"{_key(bundle, backend)}.safetensors"
    kept = None if path is None else _read(path)
    if kept is not None and _is_faithful(bundle, kept):
        return kept
    features = golden_features(bundle, backend)
    if path is not None and _is_faithful(bundle, features):
        _write(path, features)
    return features


def _is_faithful(bundle: Bundle, features: NDArray[np.float32]) -> bool:
    right = features.shape == (len(bundle.golden), bundle.feature_dim)
    return right and min(cosines_to_golden(bundle, features)) >= GOLDEN_FLOOR


def _key(bundle: Bundle, backend: Backend) -> str:
    about = {
        "how": _HOW,
        "graph": [bundle.files[name] for name in backend.graph],
        "input": input_of(bundle.preprocessing),
        "pictures": [str(golden.picture) for golden in bundle.golden],
        "runtime": [backend.name, backend.version],
        "device": [backend.device, backend.hardware],
    }
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> NDArray[np.float32] | None:
    try:
        kept = load(path.read_bytes())["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    return np.asarray(kept, dtype=np.float32)


def _write(path: Path, features: NDArray[np.float32]) -> None:
    # What cannot be kept is computed again.
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(save({"features": features}))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
