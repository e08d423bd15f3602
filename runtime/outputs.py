"""The outputs of a graph that a feature is made of."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import BundleError
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.manifest import REMEDY


def output_names(existing: Sequence[str], bundle: Bundle) -> list[str]:
    """List the outputs to ask for, in the order of the bundle's parts.

    Args:
        existing: outputs of the graph.
        bundle: the bundle.

    Returns:
        Their names.

    Raises:
        BundleError: the graph has no such output.
    """
    if len(bundle.parts) == 1 and not bundle.stands_for:
        # A bundle of one part may name its output as it likes.
        return [bundle.parts[0].name if bundle.parts[0].name in existing else existing[0]]
    for part in bundle.parts:
        if part.name not in existing:
            raise BundleError(f"{bundle.path}: its graph has no output {part.name!r}; {REMEDY}")
    return [part.name for part in bundle.parts]


def joined(outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join the outputs of one picture to its feature.

    Args:
        outputs: float32 arrays of batch 1, of any shape.

    Returns:
        float32 [d], a copy.
    """
    if len(outputs) == 1:
        return np.array(outputs[0], dtype=np.float32).reshape(-1)
    return np.concatenate([np.asarray(out, dtype=np.float32).reshape(-1) for out in outputs])
