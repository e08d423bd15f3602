"""How much a picture looks like anything known.

Three signs are added, each standardised by its values on known pictures that were left out: the direction
of the picture from the average one and its relative Mahalanobis distance, both in the metric of the
discriminant (`edge_tosca.classifier.lda.relative_mahalanobis`), and the nearness, the cosine to the nearest
mean of the groups it is compared with.
docs/unknowns.md compares them with others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.blocked_folds import Block
from edge_tosca.classifier.lda.relative_mahalanobis import SIBLINGS
from edge_tosca.classifier.ood.threshold import share_below

SIGN_WEIGHTS = np.array([0.5, 1.0, 0.5])
"""The relative distance tells siblings, the other two mostly strangers. From half to twice as much of either
is within 0.01 of the mean area under the ROC curve."""

FEWEST = 5
"""Left-out pictures from which on a picture may be called unknown."""

ONE_PICTURE = 3e-4
"""Left-out pictures whose nearness varies less are copies of one: twice what rounding makes of it, a third of
the least that was seen of different photographs."""


_FLOOR = 1e-6


@dataclass(frozen=True)
class Familiarity:
    """Standardises the signs of familiarity and says where "unknown" begins.

    Attributes:
        mean: of each sign on known pictures, float64 [3].
        spread: their standard deviations, float64 [3].
        weights: of the standardised signs, float64 [3].
        threshold: a sum of standardised signs below it means unknown; -inf never does.
    """

    mean: Array
    spread: Array
    weights: Array
    threshold: float

    def score(self, signs: Array) -> Array:
        """Add up the standardised signs.

        Args:
            signs: direction, relative distance and nearness, [n, 3].

        Returns:
            float64 [n]; higher is more familiar.
        """
        total: Array = (signs - self.mean) / self.spread @ self.weights
        return total


def left_out_signs(
    z: Array, blocks: Sequence[Block], nearest: Array, kinship: Array, sums: Array, counts: Array
) -> Array:
    """Give the signs of familiarity of pictures whose blocks had not been seen.

    What is left of a group has a longer mean, by the noise of fewer pictures, and so a smaller cosine to any
    picture. New pictures meet the mean of all: the cosine is taken with its length.

    Args:
        z: the blocks' conditioned features, one block after another, [n, d].
        blocks: what is left out together.
        nearest: groups that each picture is compared with, int [n, k].
        kinship: with them, [n, 2].
        sums: of the groups' features, [g, d].
        counts: pictures of each group, int [g].

    Returns:
        float64 [n, 3].
    """
    every, long = sums.sum(axis=0), np.maximum(lengths(sums), _FLOOR)
    means = (sums / long[:, None]).astype(np.float32)
    near, far = np.empty(len(z)), np.empty(len(z))
    start = 0
    for block in blocks:
        rows = slice(start, start + len(block.rows))
        taken = z[rows].sum(axis=0, dtype=np.float64)
        cosines = np.sum(means[nearest[rows]] * z[rows, None], axis=2)
        own = z[rows] @ (sums[block.group] - taken) / long[block.group]
        own *= counts[block.group] / (counts[block.group] - len(block.rows))
        near[rows] = np.where(nearest[rows] == block.group, own[:, None], cosines).max(axis=1)
        far[rows] = lengths(z[rows] - (every - taken) / (counts.sum() - len(block.rows)))
        start = rows.stop
    return signs(kinship, far, near)


def signs(kinship: Array, far: Array, near: Array) -> Array:
    """Put the signs of familiarity together.

    Args:
        kinship: of `edge_tosca.classifier.lda.relative_mahalanobis.kinship`, [n, 2].
        far: distance of each picture from the background, [n].
        near: cosine to the nearest mean of the groups it is compared with, [n].

    Returns:
        float64 [n, 3].
    """
    together: Array = np.stack([kinship[:, 0] / np.maximum(far, _FLOOR), kinship[:, 1], near], axis=1)
    return together


def lengths(vectors: Array) -> Array:
    """Give Euclidean lengths, [n] of [n, d]."""
    found: Array = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    return found


def sign_weights(groups: int) -> Array:
    """Weigh the signs by what they can see.

    The relative distance sees the k - 1 directions in which k groups differ, and the nearness all of them:
    with fewer groups than SIBLINGS it counts more.

    Args:
        groups: that are known.

    Returns:
        float64 [3].
    """
    return SIGN_WEIGHTS * [1, 1, SIBLINGS / min(groups, SIBLINGS)]


def fit_familiarity(signs: Array, refused: float, groups: int) -> Familiarity:
    """Place the threshold so that a share of known pictures is expected to fall below it.

    Args:
        signs: of known pictures that were left out, [n, 3].
        refused: the share, in 0 .. 1.
        groups: that are known.

    Returns:
        The calibration. With fewer than FEWEST pictures, or copies of one, nothing is called unknown: they
        do not tell how much new pictures of their class will differ.
    """
    weights = sign_weights(groups)
    if len(signs) < 2:
        return Familiarity(np.zeros(3), np.ones(3), weights, -np.inf)
    spread = np.maximum(signs.std(axis=0), _FLOOR)
    calibrated = Familiarity(signs.mean(axis=0), spread, weights, -np.inf)
    if refused <= 0 or len(signs) < FEWEST or spread[2] < ONE_PICTURE:
        return calibrated
    return replace(calibrated, threshold=share_below(calibrated.score(signs), refused))
