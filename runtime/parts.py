"""The parts of a feature: the last feature, and averages or [CLS] tokens of earlier levels.

Every part is an output of the backbone's graph; their concatenation is the feature. A store that was made
before a backbone had levels keeps using the first part alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tosca.errors import BundleError

FEATURES = "features"
"""Name of the first part where the manifest lists none."""

_REMEDY = "make the bundle again with: edge-tosca export"


@dataclass(frozen=True)
class Part:
    """One part of a feature.

    Attributes:
        name: of the graph's output.
        width: numbers in it.
    """

    name: str
    width: int


def parts_of(manifest: dict[str, Any], feature_dim: int, where: Path) -> tuple[Part, ...]:
    """Read the parts of a manifest's ``feature`` entry.

    Args:
        manifest: the manifest.
        feature_dim: d, the width of all parts together.
        where: the manifest's file, for the error.

    Returns:
        The parts, the last feature first; one where the manifest lists none.

    Raises:
        BundleError: the entry is malformed, or the widths do not add up to d.
    """
    entries = manifest.get("feature")
    if entries is None:
        return (Part(FEATURES, feature_dim),)
    parts = tuple(_part(entry) for entry in entries) if isinstance(entries, list) else ()
    sound = bool(parts) and all(part.name and part.width > 0 for part in parts)
    sound = sound and len({part.name for part in parts}) == len(parts)
    if not sound or sum(part.width for part in parts) != feature_dim:
        raise BundleError(f"{where}: 'feature' is malformed; {_REMEDY}")
    return parts


def supersedes_of(manifest: dict[str, Any], where: Path) -> tuple[str, ...]:
    """Read the digests of the backbones whose feature the first part reproduces bit for bit.

    Args:
        manifest: the manifest.
        where: its file, for the error.

    Returns:
        sha256 (hex) of each backbone's graph.

    Raises:
        BundleError: the entry is malformed.
    """
    digests = manifest.get("supersedes", [])
    if not isinstance(digests, list) or not all(isinstance(one, str) and len(one) == 64 for one in digests):
        raise BundleError(f"{where}: 'supersedes' is malformed; {_REMEDY}")
    return tuple(digests)


def _part(entry: Any) -> Part:
    name, width = (entry.get("name"), entry.get("width")) if isinstance(entry, dict) else ("", 0)
    if not isinstance(name, str) or not isinstance(width, int) or isinstance(width, bool):
        return Part("", 0)
    return Part(name, width)
