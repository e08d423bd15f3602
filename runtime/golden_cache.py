"""Cache a device's features of the golden pictures until its hardware, driver, runtime or bundle changes."""

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
from edge_tosca.runtime.golden import GOLDEN_FLOOR
from edge_tosca.runtime.golden_check import cosines_to_golden, golden_features
from edge_tosca.runtime.manifest import input_of
from edge_tosca.runtime.user_cache import cache_folder

# Increased whenever this program changes how it runs graphs, which invalidates the cache.
_EXECUTION_VERSION = 4


def cached_golden_features(bundle: Bundle, backend: Backend) -> NDArray[np.float32]:
    """Return the backend's features of the golden pictures, from the cache where it has correct ones.

    A damaged cache file, or one with wrong features, is ignored. Wrong features are never cached, so that a
    device is checked again after its driver was repaired.

    Args:
        bundle: the bundle that the backend runs.
        backend: the backend.

    Returns:
        float32 [g, d], one row a golden picture.
    """
    folder = cache_folder("golden") if backend.hardware else None
    path = None if folder is None else folder / f"{_key(bundle, backend)}.safetensors"
    cached = None if path is None else _read(path)
    if cached is not None and _is_correct(bundle, cached):
        return cached
    features = golden_features(bundle, backend)
    if path is not None and _is_correct(bundle, features):
        _write(path, features)
    return features


def _is_correct(bundle: Bundle, features: NDArray[np.float32]) -> bool:
    fits = features.shape == (len(bundle.golden), bundle.feature_dim)
    return fits and min(cosines_to_golden(bundle, features)) >= GOLDEN_FLOOR


def _key(bundle: Bundle, backend: Backend) -> str:
    dependencies = {
        "how": _EXECUTION_VERSION,
        "graph": [bundle.files[name] for name in backend.graph],
        "input": input_of(bundle.preprocessing),
        "pictures": [str(golden.picture) for golden in bundle.golden],
        "runtime": [backend.name, backend.version],
        "device": [backend.device, backend.hardware],
        "parts": [part.name for part in bundle.parts],
    }
    return hashlib.sha256(json.dumps(dependencies, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> NDArray[np.float32] | None:
    try:
        cached = load(path.read_bytes())["features"]
    except (OSError, SafetensorError, KeyError):
        return None
    return np.asarray(cached, dtype=np.float32)


def _write(path: Path, features: NDArray[np.float32]) -> None:
    # Features that cannot be cached are computed again.
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(save({"features": features}))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
