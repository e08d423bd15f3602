"""Strictness: how much evidence a picture needs to pass as known, as a dial from 0 to 1.

    threshold(s) = threshold + scale logit(s) / SLOPE

So the odds of being known that a picture must have are those at the balanced threshold times s / (1 - s)
(`edge_tosca.classifier.calibration.known_probability`). The dial changes no probability.
"""

import math

from edge_tosca.classifier.calibration.known_probability import SLOPE

BALANCED = 0.5
LEVELS = {"lenient": 0.25, "balanced": BALANCED, "strict": 0.75}
"""Named settings: a third of the balanced odds, the same, and three times as much."""


def strict_threshold(threshold: float, scale: float, strictness: float) -> float:
    """Move the balanced threshold by the dial.

    Args:
        threshold: the balanced one; -inf calls nothing unknown.
        scale: of the scores, see `OodCalibration`.
        strictness: 0 calls nothing unknown, 1 everything that has a threshold.

    Returns:
        The score below which a picture is called unknown.
    """
    if strictness <= 0 or threshold == -math.inf:
        return -math.inf
    if strictness >= 1:
        return math.inf
    step = scale if math.isfinite(scale) else abs(threshold)
    return threshold + step * math.log(strictness / (1 - strictness)) / SLOPE
