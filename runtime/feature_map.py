"""The output of a backbone's graph with its last map before pooling: where in the picture each channel is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError
from edge_tosca.runtime.bundle import Bundle

_MOST_CHANNELS = 1 << 14
_MOST_SIDE = 256

_REMEDY = (
    "a backbone that ends in an average has one: edge-tosca export efficientnet_lite0 --out DIR, "
    "then edge-tosca migrate STORE --backbone DIR"
)


@dataclass(frozen=True)
class MapOutput:
    """The output with the map.

    Attributes:
        name: of the graph's output.
        shape: channels, height, width; the channels are those of the first part.
    """

    name: str
    shape: tuple[int, int, int]


def map_output(bundle: Bundle) -> MapOutput:
    """Read a bundle's ``feature_map`` entry.

    Args:
        bundle: the bundle.

    Returns:
        The output.

    Raises:
        BundleError: the bundle has no map, as that of a transformer, or the entry is malformed.
    """
    entry = bundle.manifest.get("feature_map")
    if entry is None:
        raise _without_map(bundle, "has no map of places")
    name, shape = (entry.get("name"), entry.get("shape")) if isinstance(entry, dict) else (None, None)
    size = _shape(shape, bundle.parts[0].width)
    if not isinstance(name, str) or not name or size is None:
        raise _without_map(bundle, "'feature_map' is malformed")
    return MapOutput(name, size)


def has_map(bundle: Bundle, existing: list[str]) -> bool:
    """Return whether a bundle's manifest and graph have the output.

    Args:
        bundle: the bundle.
        existing: names of the graph's outputs.
    """
    try:
        require_outputs(existing, map_output(bundle), bundle)
    except BundleError:
        return False
    return True


def require_map(output: Any, wanted: MapOutput, bundle: Bundle) -> NDArray[np.float32]:
    """Copy a computed map.

    Args:
        output: what the runtime returned.
        wanted: from the manifest.
        bundle: for the error.

    Returns:
        float32 [c, h, w].

    Raises:
        BundleError: the map has another shape, or a number that is not finite.
    """
    found: NDArray[np.float32] = np.array(output, dtype=np.float32)
    if found.shape != (1, *wanted.shape) or not np.isfinite(found).all():
        raise _without_map(bundle, f"its output {wanted.name!r:.40} is no map of shape {list(wanted.shape)}")
    return found.reshape(wanted.shape)


def require_outputs(existing: list[str], wanted: MapOutput, bundle: Bundle) -> None:
    """Raise if a graph lacks the output.

    Args:
        existing: names of the graph's outputs.
        wanted: from the manifest.
        bundle: for the error.

    Raises:
        BundleError: it does.
    """
    if wanted.name not in existing:
        raise _without_map(bundle, f"its graph has no output {wanted.name!r:.40}")


def not_pooled(bundle: Bundle) -> BundleError:
    """Return the error of a backbone whose feature is not its map's average.

    Args:
        bundle: the bundle.
    """
    return _without_map(bundle, "its feature is not the average of its map")


def _shape(shape: Any, channels: int) -> tuple[int, int, int] | None:
    if not isinstance(shape, list) or len(shape) != 3 or channels > _MOST_CHANNELS:
        return None
    if any(not isinstance(size, int) or isinstance(size, bool) for size in shape):
        return None
    fits = shape[0] == channels and all(0 < side <= _MOST_SIDE for side in shape[1:])
    return (shape[0], shape[1], shape[2]) if fits else None


def _without_map(bundle: Bundle, why: str) -> BundleError:
    return BundleError(f"{bundle.path}: {why}, so nothing shows where it looked; {_REMEDY}")
