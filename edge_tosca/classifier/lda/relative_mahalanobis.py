"""Relative Mahalanobis distance of a picture to the nearest groups, and its direction: two OOD statistics.

Both need only inner products under P, the inverse of the within-group covariance S, with m_c the mean of the
c-th of the k nearest groups and m the background, the mean of all pictures:

    t_c = (m_c - m)'P(z - m),   K_cd = (m_c - m)'P(m_d - m)

r_c is the part of K_cc that is noise (`edge_tosca.classifier.lda.mean_shrinkage`). b is the nearest group:
the largest t_c - K_cc / 2 + r_c / 2.

    direction          t_b / (sqrt(K_bb) |z - m|)
    relative distance  2 t_b - K_bb + r_b - t'(K + k I)^-1 t

The direction is the share of the picture's deviation from the background that points at m_b. The relative
distance is, by Woodbury's identity, the squared Mahalanobis distance to the background under the total
covariance T = S + sum_c (m_c - m)(m_c - m)' / k, minus that to m_b under S; without r_b, pictures of small
groups would look too far off. Pictures of an untaught class that is similar to taught ones lie between these,
far from m_b along the very directions in which the classes differ.

Source: Ren and others, "A Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection", 2021,
section 3. Here T holds the nearest groups only, so the cost does not depend on the number of groups.
"""

import math

import numpy as np

from edge_tosca.arrays import Array

NEAREST_CLASSES = 8
"""Nearest groups that a picture is compared with; 16 and 32 hardly detect more and make an answer slower."""

_FLOOR = 1e-9


def nearest_groups(scores: Array) -> Array:
    """Find the groups that each picture is compared with.

    Args:
        scores: of the groups, [n, g].

    Returns:
        int [n, k], k <= NEAREST_CLASSES, in no order.
    """
    most = min(NEAREST_CLASSES, scores.shape[1])
    places: Array = np.argpartition(-scores, most - 1, axis=1)[:, :most]
    return places


def from_background(inner: Array) -> Array:
    """Move the origin of the means to the background.

    Args:
        inner: inner products under P of the means of k groups and, last, of the background, [k + 1, k + 1].

    Returns:
        K, [k, k].
    """
    middle = inner[-1, :-1]
    between: Array = inner[:-1, :-1] - middle - middle[:, None] + inner[-1, -1]
    return between


def relative_mahalanobis(margins: Array, between: Array, noise: Array) -> tuple[float, float]:
    """Compare a picture with its nearest groups.

    Args:
        margins: of the groups above the background, t_c - K_cc / 2, [k].
        between: K, [k, k].
        noise: r, [k].

    Returns:
        The direction, still to be divided by |z - m|, and the relative distance. Zeros for one group, whose
        mean is the background.
    """
    k = len(margins)
    if k == 1:
        return 0.0, 0.0
    fair = margins + 0.5 * noise
    best = fair.argmax()
    t = margins + 0.5 * between.diagonal()
    explained = t @ np.linalg.solve(between + k * np.eye(k), t)
    direction = t[best] / math.sqrt(max(between[best, best], _FLOOR))
    return float(direction), float(2 * fair[best] - explained)
