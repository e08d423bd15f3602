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
GRAPH_SIZE = "graph_size"
"""Side of the input that the file of the graph states, pixels, where it is not `size` of the input."""

OPENVINO_GRAPH, OPENVINO_WEIGHTS = "openvino/backbone.xml", "openvino/backbone.bin"

_MOST_BYTES = 16 << 20
"""Ten times the largest that export writes; parsed, text takes up to thirty times its length."""

MOST_SIZE = 1024
"""Side of the largest input, pixels."""

MOST_RESIZED = 1280
"""Longest shorter side of a resized picture, pixels; one 100 times as long as wide takes 490 MB then."""

# Of pixels scaled to 0..1. Inputs of 0 to 255 have a std of 1/255, raw inputs of 16 bits one of 1/65535.
_MEAN = (-1e3, 1e3)
_STD = (1e-5, 1e3)
_MOST_NAME = 200

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
        raise BundleError(
            f"{folder}: no such bundle folder; name fast, accurate, or a folder that edge-tosca export wrote"
        )
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


def text_field(manifest: dict[str, Any], key: str, path: Path) -> str:
    """Return one text of a manifest that is short and can be printed.

    Args:
        manifest: the object.
        key: the value's name.
        path: the manifest's file, for the error.

    Returns:
        The text.

    Raises:
        BundleError: it is missing, no text, longer than 200 characters, or has control characters.
    """
    text = require_field(manifest, key, str, path)
    if not text or len(text) > _MOST_NAME or not text.isprintable():
        raise BundleError(
            f"{path}: {key!r} must be a printable text of 1 to {_MOST_NAME} characters; {REMEDY}"
        )
    return str(text)


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
    crop_pct = require_field(entry, "crop_pct", float, path)
    interpolation = require_field(entry, "interpolation", str, path)
    _require_within("size", size, (1, MOST_SIZE), path)
    _require_within("crop_pct", crop_pct, (size / MOST_RESIZED, 1), path)
    mean = _channels(entry, "mean", _MEAN, path)
    std = _channels(entry, "std", _STD, path)
    if interpolation not in INTERPOLATIONS:
        raise BundleError(f"{path}: interpolation {interpolation!r:.40} is not known; {REMEDY}")
    for key, only in (("layout", "NCHW"), ("batch", 1)):
        if entry.get(key, only) != only:
            raise BundleError(f"{path}: {key} {entry[key]!r:.40} is not supported, only {only}; {REMEDY}")
    return Preprocessing(size, mean, std, interpolation, float(crop_pct))


def graph_size_of(manifest: dict[str, Any], size: int, path: Path) -> int:
    """Read the side of the input that a graph's file states, where it is to be resized.

    Args:
        manifest: the manifest.
        size: side of the input that runs, pixels, which is the default.
        path: the manifest's file, for the error.

    Returns:
        The side, pixels.

    Raises:
        BundleError: it is no number, out of range, or the bundle has a graph of OpenVINO, which has a size of
            its own.
    """
    if GRAPH_SIZE not in manifest:
        return size
    stated = int(require_field(manifest, GRAPH_SIZE, int, path))
    _require_within(GRAPH_SIZE, stated, (1, MOST_SIZE), path)
    if stated != size and OPENVINO_GRAPH in manifest["files"]:
        raise BundleError(f"{path}: {OPENVINO_GRAPH} cannot be resized to {size} pixels; {REMEDY}")
    return stated


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


def _channels(
    entry: dict[str, Any], key: str, limits: tuple[float, float], path: Path
) -> tuple[float, float, float]:
    values = require_field(entry, key, list, path)
    if len(values) != 3 or any(isinstance(x, bool) or not isinstance(x, int | float) for x in values):
        raise BundleError(f"{path}: {key!r} must be three numbers; {REMEDY}")
    for value in values:
        _require_within(key, value, limits, path)
    red, green, blue = values
    return float(red), float(green), float(blue)


def _require_within(key: str, value: float, limits: tuple[float, float], path: Path) -> None:
    # As a comparison that holds, which NaN fails.
    if not limits[0] <= value <= limits[1]:
        low, high = limits
        raise BundleError(f"{path}: {key} {value!r:.40} is out of range ({low:.4g} to {high:.4g}); {REMEDY}")


def _one_line(error: Exception) -> str:
    return str(error).split("\n")[0]
