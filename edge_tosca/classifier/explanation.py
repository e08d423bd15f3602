"""Divide a picture's score among the places of its last feature map, so that they add up to the score.

The score of a group is linear in the normalised feature z (`edge_tosca.classifier.router`):

    score = sum_c v_c z_c + b,  v = w_g (P m_g - P m),  m the background

A channel c of the last feature is the average of its map a over places p, so that its part v_c z_c divides
among the places as the map does:

    e_p = sum_c v_c z_c a_cp / sum_p a_cp + s / places

The parts of earlier levels, whose maps the graph does not give, and the constant b have no place. Their sum s
is spread evenly, so that sum_p e_p = score. Signed square root, unit length and grid are inside z_c: one
channel's part is one number, whatever it was made of.

Source: class activation maps (Zhou and others, "Learning Deep Features for Discriminative Localization", CVPR
2016, section 2), with each channel's share in place of its value, since z is no linear function of the map.
"""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.router import Router

_CANCELS = 0.1
"""A channel whose map's sum is below this share of its absolute sum has no place: the shares would explode.

No map behind a ReLU has such a channel."""

POOLED_COSINE = 0.99
"""Least cosine of a map's averages to the feature; below it the feature is more than the map's average."""


@dataclass(frozen=True)
class LinearScore:
    """A score that is linear in a normalised feature.

    Attributes:
        weights: v, float64 [d].
        constant: b.
    """

    weights: Array
    constant: float


@dataclass(frozen=True)
class Evidence:
    """What speaks for a class, by place.

    Attributes:
        places: e, float64 [h, w]; adds up to the score.
        score: of the class above the background, before the temperature.
        unplaced: s, the part of the score that is spread evenly.
    """

    places: Array
    score: float
    unplaced: float


def linear_score(router: Router, group: int) -> LinearScore | None:
    """Return the score of a group above the background, as `Router.scores` computes it.

    Args:
        router: of the generation.
        group: its index.

    Returns:
        The score; None if there is nothing to compare the group with, as with a single class.
    """
    shared = router.shared_means
    if shared is None:
        solved, weights, offsets, row = router.discriminant, router.mean_weights, router.score_offsets, group
    else:
        solved, weights, offsets = shared.discriminant, shared.mean_weights, shared.score_offsets
        row = int(shared.class_of_group[group])
    rows, bias = solved.weights.astype(np.float64), solved.bias.astype(np.float64)
    kept = float(weights[row])
    direction = kept * (rows[row] - rows[-1])
    if not direction.any():
        return None
    return LinearScore(direction, kept * float(bias[row] - bias[-1]) + float(offsets[row]))


def is_average(feature_map: Array, feature: Array) -> bool:
    """Return whether a feature is the average of a map, up to the rounding of a quantized graph.

    Args:
        feature_map: float32 [c, h, w].
        feature: float32 [d]; its first c numbers are the last feature.
    """
    mean = feature_map.reshape(len(feature_map), -1).mean(axis=1, dtype=np.float64)
    first = feature[: len(mean)].astype(np.float64)
    norms = float(np.linalg.norm(mean) * np.linalg.norm(first))
    return norms > 0 and float(mean @ first) >= POOLED_COSINE * norms


def evidence(score: LinearScore, z: Array, feature_map: Array) -> Evidence:
    """Divide a score among the places of a map.

    Args:
        score: of the class.
        z: what the score reads, from `Router.view`, float32 [d].
        feature_map: of the last feature, float32 [c, h, w], c <= d; its channels are the first c of z.

    Returns:
        The evidence.
    """
    channels, height, width = feature_map.shape
    parts = score.weights * z.astype(np.float64)
    shares, placed = place_shares(feature_map)
    located = np.where(placed, parts[:channels], 0.0)
    places = located @ shares
    total = float(parts.sum()) + score.constant
    unplaced = total - float(located.sum())
    return Evidence((places + unplaced / (height * width)).reshape(height, width), total, unplaced)


def place_shares(feature_map: Array) -> tuple[Array, Array]:
    """Divide each channel among its places.

    Args:
        feature_map: float32 [c, h, w].

    Returns:
        a_cp / sum_p a_cp, float64 [c, h w], zero for channels without a place; and which channels have
        places, bool [c].
    """
    a = feature_map.reshape(len(feature_map), -1).astype(np.float64)
    sums = a.sum(axis=1, keepdims=True)
    placed = np.abs(sums) > _CANCELS * np.abs(a).sum(axis=1, keepdims=True)
    return np.where(placed, a / np.where(placed, sums, 1.0), 0.0), placed[:, 0]
