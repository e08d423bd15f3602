"""The reference pictures of a bundle: features of unrelated photographs."""

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from edge_tosca.errors import BundleError
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import MANIFEST, REMEDY, require_field

REFERENCE = "reference"
"""The manifest's entry: the file, the number of its pictures, their source and licence."""

REFERENCES_FILE = "references.safetensors"
TENSOR = "references"


def read_references(bundle: Bundle) -> NDArray[np.float16] | None:
    """Read the features of a bundle's reference pictures.

    Args:
        bundle: the bundle.

    Returns:
        float16 [r, d]; None where the bundle has none, as those of earlier versions. Of a bundle that stands
        for a superseded backbone, the first part alone.

    Raises:
        BundleError: they are missing, changed, of another width or not finite.
    """
    if REFERENCE not in bundle.manifest:
        return None
    where = bundle.path / MANIFEST
    name = require_field(require_field(bundle.manifest, REFERENCE, dict, where), "file", str, where)
    try:
        features = load(bundle.read(name))[TENSOR]
    except (SafetensorError, KeyError, ValueError) as error:
        raise BundleError(f"{bundle.path / name}: no reference features; {REMEDY}") from error
    width = bundle.manifest["feature_dim"]
    if features.ndim != 2 or features.shape[1] != width or features.dtype != np.float16:
        raise BundleError(
            f"{bundle.path / name}: features of shape {features.shape} and type {features.dtype}, not "
            f"float16 [r, {width}]; {REMEDY}"
        )
    if len(features) == 0 or not np.isfinite(features).all():
        raise BundleError(f"{bundle.path / name}: reference features that are not finite; {REMEDY}")
    return np.asarray(features[:, : bundle.feature_dim], np.float16)
