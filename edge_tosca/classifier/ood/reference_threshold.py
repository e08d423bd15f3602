"""The threshold that leans on reference pictures where a lesson shows little.

Held-out pictures of a lesson show one end: T, the score that a stated share of them falls below. References,
photographs of anything, show the other: Q, the score that nearly all of them stay below. With the mean score
of held-out pictures at 0,

    threshold = T (Q / T)^a,   a = CLUSTERED c + SERIAL b^3 + NARROW max(0, log2(Q / T / width)),   a <= 1

for Q below T: the spread of known pictures is that of the held-out ones times an unknown factor, which the
references bound, and a is how much of it (on a logarithmic scale) the lesson leaves open. b and c are the
serial correlation and clustering of its pictures (`edge_tosca.classifier.ood.dependence`). The last term is
for lessons whose order and clusters show nothing, such as shaky frames of one photograph: no class is so
narrow that the world begins many times further away than its own pictures.

Where Q lies above T, classes vary so much that references pass. There the share that may be refused is raised
by half, but not beyond Q.
"""

import math

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.ood.dependence import Dependence
from edge_tosca.classifier.ood.threshold import rejection_threshold

REFERENCE_SHARE = 0.99
"""Share of the references that Q stays above."""

CLUSTERED = 2.7
"""Of the clustering beyond UNCLUSTERED: groceries of one shelf have about 0.2."""

UNCLUSTERED = 0.05
"""Clustering of varied pictures: the tails of their distribution are heavier than normal ones."""

SERIAL = 8.0
"""Of the cubed serial correlation: a slow burst has 0.2, pictures that are sorted by session 0.01. Its square
does not keep the two apart as well."""

NARROW = 0.6
"""For each doubling of Q / T beyond what varied pictures have."""

PLAUSIBLE, PLAUSIBLE_OF_FEW = 4.2, 6.0
"""Q / T of lessons of varied pictures, at most: of many classes, and of one or two. With few classes the
score is mostly nearness, which falls further outside of them. Features of several levels move references
further away: scikit-learn's digits have 4.6, and 3.2 by the last feature alone."""

RAISED = 1.5
"""Factor on the share that may be refused where references pass."""


def reference_threshold(
    known: Array, references: Array, share: float, dependence: Dependence, groups: int
) -> float:
    """Place the threshold by held-out pictures and references.

    Args:
        known: scores of held-out known pictures, mean 0, [n], at least two.
        references: scores of reference pictures, [r], at least one.
        share: of known pictures that may be refused, in 0 .. 1.
        dependence: of the known pictures.
        groups: number of groups.

    Returns:
        The threshold.
    """
    own = rejection_threshold(known, share)
    begins = references_begin(references)
    if begins >= own:
        return min(begins, max(own, rejection_threshold(known, min(RAISED * share, 0.5))))
    # A share above a half may place it beyond the mean, where the spread says nothing.
    if own >= 0:
        return own
    return float(own * (begins / own) ** leaning(dependence, begins / own, groups))


def references_begin(references: Array) -> float:
    """Return Q.

    Args:
        references: scores of reference pictures, [r], at least one.

    Returns:
        The score that REFERENCE_SHARE of them stay below.
    """
    return float(np.quantile(references, REFERENCE_SHARE))


def leaning(dependence: Dependence, width: float, groups: int) -> float:
    """Compute a, how much the threshold leans on the references.

    Args:
        dependence: of the known pictures.
        width: Q / T, above 1.
        groups: number of groups.

    Returns:
        0 .. 1.
    """
    clustered = CLUSTERED * max(dependence.clustering - UNCLUSTERED, 0.0)
    narrow = NARROW * max(math.log2(width / plausible_width(groups)), 0.0)
    return min(1.0, clustered + SERIAL * dependence.serial + narrow)


def plausible_width(groups: int) -> float:
    """Return the largest Q / T of lessons of varied pictures.

    Args:
        groups: number of groups.

    Returns:
        PLAUSIBLE_OF_FEW for one or two groups, from there towards PLAUSIBLE.
    """
    return PLAUSIBLE + (PLAUSIBLE_OF_FEW - PLAUSIBLE) * min(1.0, (2 / groups) ** 2)
