"""Pictures of "none of these": the empty belt, hands, the usual surroundings; never named.

Each lesson of them has a few means. Seen by the discriminant, each mean competes with the groups:

    excess(z) = max_j (s_j(z) - s_b(z) - LEAN D_jb),   D_jb = (m_j - m_b)'P(m_j - m_b)

with s the linear scores, b the best group and P the inverse of the within-group covariance. At LEAN = 0 the
border lies in the middle between m_j and m_b; a picture with excess above 0 is called unknown, whatever its
OOD score. The border leans on the side of the none pictures, because lessons show less variation than what
is met later. The groups' own means, scores and modules stay as they are.

Source: Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", 2nd edition, 2009, eq. 4.10,
for two classes. docs/unknowns.md compares other rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from edge_tosca.arrays import Array, require_shapes
from edge_tosca.classifier.lda.discriminant import discriminant
from edge_tosca.classifier.lda.scatter import Inverse, Projected

LEAN = 0.1
"""Share of the squared distance by which the border is moved towards the none pictures. At 0, 0.1 and 0.2,
1.8, 0.8 and 0.3 points more of the known pictures of four sets are refused than without none pictures; of
pictures like these 89, 83 and 77 % are called unknown, 52 % without."""

PICTURES_A_MEAN = 8
"""Pictures of a lesson for each of its means; fewer show no clusters."""

MOST_MEANS = 8
"""Means of a lesson."""

_ROUNDS = 20


@dataclass(frozen=True)
class NoneOfThese:
    """The means of none pictures, as linear scores.

    Attributes:
        weights: of each mean, above the background's, float32 [m, d].
        bias: the same of the constants, float32 [m].
        lean: by how much a mean's score must exceed each group's, float32 [m, g].
    """

    weights: Array
    bias: Array
    lean: Array

    @classmethod
    def of(cls, inverse: Inverse, means: Projected, none: Sequence[Array]) -> Self:
        """Prepare the means for scoring.

        Args:
            inverse: P.
            means: of the groups, and of the background in the last row.
            none: normalised features of each lesson of none pictures, float32 [n, d].

        Returns:
            The scores.
        """
        found = [cluster_means(rows) for rows in none]
        own = inverse.project(np.concatenate(found), means.x.dtype)
        solved, background = discriminant(inverse, own), discriminant(inverse, means[-1:])
        groups = means[:-1]
        squares = inverse.paired_products(own, own)[:, None] + inverse.paired_products(groups, groups)
        distances = np.maximum(squares - 2 * inverse.inner_products(own, groups), 0)
        return cls(
            solved.weights - background.weights,
            solved.bias - background.bias,
            (LEAN * distances).astype(np.float32),
        )

    def excess(self, z: Array, margins: Array) -> Array:
        """Compute by how much none pictures explain a picture better than the best group.

        Args:
            z: normalised features, float32 [n, d].
            margins: of the groups above the background, [n, g]; see `Router.scores`.

        Returns:
            float [n]; above 0 the picture is called unknown.
        """
        best = margins.argmax(axis=1)
        own = z @ self.weights.T + self.bias - self.lean.T[best]
        more: Array = own.max(axis=1) - margins[np.arange(len(z)), best]
        return more

    def to_arrays(self) -> dict[str, Array]:
        """Return the arrays under the names in which a store keeps them."""
        return {"none_weights": self.weights, "none_bias": self.bias, "none_lean": self.lean}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], groups: int, dimensions: int) -> Self:
        """Read the arrays that `to_arrays` returned; errors as in `Router.from_arrays`."""
        means = len(arrays["none_bias"])
        shapes = {"none_weights": (means, dimensions), "none_bias": (means,), "none_lean": (means, groups)}
        require_shapes(arrays, shapes)
        if not means:
            raise ValueError("there is no mean of none pictures")
        return cls(arrays["none_weights"], arrays["none_bias"], arrays["none_lean"])


def cluster_means(rows: Array) -> Array:
    """Compute the means of clusters of one lesson's pictures, by spherical k-means.

    Source: Dhillon and Modha, "Concept decompositions for large sparse text data using clustering", 2001. It
    starts at the picture nearest to the mean, and then at the ones furthest from all before.

    Args:
        rows: normalised features, float32 [n, d].

    Returns:
        float64 [k, d]; one mean for PICTURES_A_MEAN pictures, at least one and at most MOST_MEANS.
    """
    count = min(max(len(rows) // PICTURES_A_MEAN, 1), MOST_MEANS)
    chosen = [int((rows @ rows.mean(axis=0)).argmax())]
    while len(chosen) < count:
        chosen.append(int((rows @ rows[chosen].T).max(axis=1).argmin()))
    centres, nearest = rows[chosen], np.full(len(rows), -1)
    for _ in range(_ROUNDS):
        found = (rows @ centres.T).argmax(axis=1)
        if (found == nearest).all():
            break
        nearest = found
        # A centre without a picture is dropped.
        centres = np.stack([rows[nearest == place].mean(axis=0) for place in np.unique(nearest)])
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    nearest = (rows @ centres.T).argmax(axis=1)
    return np.stack([rows[nearest == place].mean(axis=0, dtype=np.float64) for place in np.unique(nearest)])
