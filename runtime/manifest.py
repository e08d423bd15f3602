"""Read and check a bundle's manifest."""

import json
from pathlib import Path
from typing import Any

from edge_tosca.errors import BundleError
from edge_tosca.runtime.preprocess import INTERPOLATIONS, Preprocessing
from edge_tosca.system.files import IrregularFileError, open_regular

FORMAT = 1
MANIFEST = "manifest.json"
BACKBONE = "backbone.onnx"

_MOST_BYTES = 64 << 20

REMEDY = "make the bundle again with: edge-tosca export"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a bundle's manifest and check its format number.

    Args:
        folder: of the bundle.

    Returns:
        The manifest.

    Raises:
        BundleError: the folder or the manifest is missing, malformed or of an unknown format.
    """
    if not folder.is_dir():
        raise BundleError(f"{folder}: no such bundle folder; name a folder that edge-tosca export wrote")
    path = folder / MANIFEST
    try:
        with open_regular(path, _MOST_BYTES) as file:
            manifest = json.loads(file.read().decode())
    except FileNotFoundError:
        raise BundleError(f"{folder}: not a bundle, it has no {MANIFEST}; {REMEDY}") from None
    except (OSError, ValueError, RecursionError, IrregularFileError) as error:
        raise BundleError(f"{path}: malformed ({_one_line(error)}); {REMEDY}") from error
    if not isinstance(manifest, dict):
        raise BundleError(f"{path}: malformed (not an object); {REMEDY}")
    version = manifest.get("format")
    if version != FORMAT or isinstance(version, bool):
        raise BundleError(
            f"{path}: bundle format {version!r} is not known here (this version reads {FORMAT}); "
            "update edge-tosca, or export the bundle again"
        )
    return manifest


def require_field(manifest: dict[str, Any], key: str, kind: type, path: Path) -> Any:
    """Return one value of a manifest object, checked for its type.

    Args:
        manifest: the object.
        key: the value's name.
        kind: required type (an int is accepted as a float).
        path: the manifest's file, for the error.

    Returns:
        The value.

    Raises:
        BundleError: the value is missing or of another type.
    """
    if key not in manifest:
        raise BundleError(f"{path}: {key!r} is missing; {REMEDY}")
    value = manifest[key]
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise BundleError(f"{path}: {key!r} must be of type {kind.__name__}, not {value!r:.40}; {REMEDY}")
    return value


def preprocessing_of(manifest: dict[str, Any], path: Path) -> Preprocessing:
    """Read the preprocessing of the backbone's pictures.

    Args:
        manifest: the manifest.
        path: the manifest's file, for the error.

    Returns:
        The preprocessing.

    Raises:
        BundleError: a value is missing or out of range.
    """
    entry = require_field(manifest, "input", dict, path)
    size = require_field(entry, "size", int, path)
    crop_pct = float(require_field(entry, "crop_pct", float, path))
    interpolation = require_field(entry, "interpolation", str, path)
    mean = _channels(entry, "mean", path)
    std = _channels(entry, "std", path)
    if not 1 <= size <= 4096 or not 0 < crop_pct <= 1 or min(std) <= 0:
        raise BundleError(
            f"{path}: input size {size}, crop_pct {crop_pct} or std {std} out of range; {REMEDY}"
        )
    if interpolation not in INTERPOLATIONS:
        raise BundleError(f"{path}: interpolation {interpolation!r} is not known; {REMEDY}")
    return Preprocessing(size, mean, std, interpolation, crop_pct)


def input_of(preprocessing: Preprocessing) -> dict[str, Any]:
    """Return the manifest's ``input`` entry; the inverse of :func:`preprocessing_of`."""
    return {
        "size": preprocessing.size,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "interpolation": preprocessing.interpolation,
        "crop_pct": preprocessing.crop_pct,
        "layout": "NCHW",
        "batch": 1,
    }


def _channels(entry: dict[str, Any], key: str, path: Path) -> tuple[float, float, float]:
    values = require_field(entry, key, list, path)
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    if len(values) != 3 or len(numbers) != 3:
        raise BundleError(f"{path}: {key!r} must be three numbers; {REMEDY}")
    return numbers[0], numbers[1], numbers[2]


def _one_line(error: Exception) -> str:
    return str(error).split("\n")[0]
