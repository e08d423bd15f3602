"""Weigh the further parts of normalised features beside the first one, whose weight is 1.

The weights are multiples of 1 / 16, so that weighted features and sums are exact in float32 and float64.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from edge_tosca.arrays import Array

PART_WEIGHTS = (5 / 16, 0.0, 10 / 16)
"""Candidates, the one that is kept in doubt first; see `edge_tosca.classifier.lda.part_weight`."""


def weigh(z: Array, widths: Sequence[int], weight: float) -> Array:
    """Weigh the columns of normalised features, or of sums of them.

    Args:
        z: [n, d].
        widths: of the parts; with one part nothing is weighed.
        weight: of all parts but the first; 0 leaves them out.

    Returns:
        [n, d], or the first part alone, [n, d_1].
    """
    if len(widths) < 2:
        return z
    if weight == 0:
        return z[:, : widths[0]]
    weighted: Array = z * column_weights(tuple(widths), weight).astype(z.dtype, copy=False)
    return weighted


@cache
def column_weights(widths: tuple[int, ...], weight: float) -> npt.NDArray[np.float32]:
    """Return the weight of each column, float32 [d]."""
    return np.repeat(np.array([1.0, weight], np.float32), [widths[0], sum(widths[1:])])
