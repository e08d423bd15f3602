"""The reference pictures of a store's backbone: features of unrelated photographs that its bundle holds."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import BundleError
from edge_tosca.features.normalization import normalize
from edge_tosca.store.validation import feature_widths
from edge_tosca.vision.compatibility import backbone_of, incompatible_bundle, superseded


def references_of(folder: Path | None, settings: Mapping[str, str]) -> Array | None:
    """Read and normalise the reference pictures that fit a store's features.

    Args:
        folder: of the bundle; None for the one that ships with edge-tosca.
        settings: of the store.

    Returns:
        float32 [r, d]; None where the bundle has none, is missing or damaged, or is not the store's: features
        of two backbones cannot be compared.
    """
    from edge_tosca.runtime import DEFAULT_BUNDLE

    place = DEFAULT_BUNDLE if folder is None else folder
    try:
        changed = (place / "manifest.json").stat().st_mtime_ns
        read, widths, backbone, preprocessing = _read(place, changed, backbone_of(settings))
    # A folder with a null byte in its name, as a damaged store may state, is a ValueError.
    except (BundleError, OSError, ValueError):
        return None
    own = read is not None and widths == feature_widths(dict(settings))
    return read if own and not incompatible_bundle(settings, backbone, preprocessing) else None


@lru_cache(maxsize=2)
def _read(folder: Path, changed: int, backbone: str) -> tuple[Array | None, tuple[int, ...], str, str]:
    """Read what a bundle gives in place of the backbone of a store."""
    from edge_tosca.runtime import Bundle, preprocessing_digest, read_references

    bundle = Bundle.load(folder)
    if digest := superseded(backbone, bundle.supersedes):
        bundle = bundle.as_superseded(digest)
    features = read_references(bundle)
    normalised = None if features is None else normalize(np.asarray(features), bundle.widths)
    return normalised, bundle.widths, bundle.digest, preprocessing_digest(bundle)
