"""Where a picture stands among the means of its nearest groups, in the metric of the discriminant.

Two signs of familiarity come from it. Both need only inner products under P, the inverse of the within-group
covariance S: t_c = (m_c - m)'P(z - m) and K_cd = (m_c - m)'P(m_d - m), with m_c the mean of the c-th of the k
nearest groups and m the background, the mean of all pictures. r_c is the part of K_cc that is noise, see
`edge_tosca.classifier.lda.mean_shrinkage`; b is the nearest of them, with the largest
t_c - K_cc / 2 + r_c / 2.

- direction: t_b / (sqrt(K_bb) |z - m|): how much of what sets the picture apart from the average one points
  at b.
- relative distance: minus the squared Mahalanobis distance to b, beyond that to the background under the
  total covariance T = S + sum_c (m_c - m)(m_c - m)' / k. By Woodbury's identity that is
  2 t_b - K_bb + r_b - t'(K + k I)^-1 t; without r_b groups of few pictures would know few of their own. An
  untaught sibling lies between the classes, far from b along the very directions in which classes differ
  (Ren and others, "A Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection", 2021, section 3;
  here the between-group part of T is that of the nearest groups, so that it costs the same however many
  groups there are).
"""

import math

import numpy as np

from edge_tosca.arrays import Array

NEAREST_CLASSES = 8
"""Nearest groups that a picture is compared with; 16 and 32 tell hardly better and cost an answer more."""

_FLOOR = 1e-9


def nearest_groups(scores: Array) -> Array:
    """Find the groups that a picture is compared with.

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
        margins: their scores above the background's, t_c - K_cc / 2, [k].
        between: K, [k, k].
        noise: r, [k].

    Returns:
        The direction, still to be divided by |z - m|, and the relative distance. Zeros where there is one
        group: its mean is the background.
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
