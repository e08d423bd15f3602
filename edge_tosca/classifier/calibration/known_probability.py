"""The probability that a picture shows any taught class: logistic in the OOD score.

    P(known | x) = 1 / (1 + exp(-(INTERCEPT + SLOPE score / scale)))

The scale is the distance from the mean score of held-out known pictures to the threshold that refuses 5 % of
known pictures. In its units the probabilities are alike on all sets, numbers of classes and kinds of lessons:
two constants suffice; docs/unknowns.md has the calibration error. Half of the pictures are taken to be known
ones, the rest near and far unknowns in equal parts: how often unknown objects will be met nobody can know.

Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999, section 2.1.
"""

import math

INTERCEPT = 2.0
"""Log-odds of a picture that is as familiar as the mean held-out one."""

SLOPE = 2.3
"""Decrease of the log-odds from there to the threshold."""

NO_EVIDENCE = 0.5
"""Probability where no scale could be estimated."""


def known_probability(score: float, scale: float) -> float:
    """Compute the probability that a picture shows any taught class.

    Args:
        score: OOD score of the picture.
        scale: see above; not finite where there is none.

    Returns:
        In 0 .. 1.
    """
    if not math.isfinite(scale):
        return NO_EVIDENCE
    odds = INTERCEPT + SLOPE * score / scale
    # The exponential of a large number overflows; that of a negative one does not.
    return 1 / (1 + math.exp(-odds)) if odds >= 0 else math.exp(odds) / (1 + math.exp(odds))
