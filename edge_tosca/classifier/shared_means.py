"""Scores of classes that several tasks taught: all groups of one class share a mean."""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.lda.discriminant import Discriminant


@dataclass(frozen=True)
class SharedMeans:
    """A discriminant over classes; a group gets an equal share of its class's probability.

    Attributes:
        class_of_group: class of each group, int32 [g], 0 .. c - 1.
        discriminant: scores of the classes' plain means, and of the background in the last row.
        mean_weights: share of itself that each mean keeps, see `edge_tosca.classifier.lda.mean_shrinkage`,
            float32 [c].
        score_offsets: constant part of each class's score, float32 [c].
    """

    class_of_group: Array
    discriminant: Discriminant
    mean_weights: Array
    score_offsets: Array

    def to_arrays(self) -> dict[str, Array]:
        """Return the arrays under the names in which a store keeps them."""
        return {
            "joined_units": self.class_of_group,
            "joined_weights": self.discriminant.weights,
            "joined_bias": self.discriminant.bias,
            "joined_worth": self.mean_weights,
            "joined_shift": self.score_offsets,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], groups: int, dimensions: int) -> "SharedMeans":
        """Read the arrays that `to_arrays` returned; errors as in `Router.from_arrays`."""
        class_of_group = arrays["joined_units"]
        mean_weights, score_offsets = arrays["joined_worth"], arrays["joined_shift"]
        weights, bias = arrays["joined_weights"], arrays["joined_bias"]
        c = len(mean_weights)
        fits = mean_weights.shape == score_offsets.shape == (c,) and weights.shape == (c + 1, dimensions)
        fits = fits and bias.shape == (c + 1,) and class_of_group.shape == (groups,)
        fits = fits and class_of_group.dtype.kind == "i"
        if not fits or not np.array_equal(np.unique(class_of_group), np.arange(c)):
            raise ValueError("the classes of several tasks do not fit")
        if any(np.isnan(values).any() for values in (weights, bias, mean_weights, score_offsets)):
            raise ValueError("the classes of several tasks have no scores")
        return cls(class_of_group, Discriminant(weights, bias), mean_weights, score_offsets)

    def log_probabilities(self, z: Array, temperature: float) -> Array:
        """Score normalised features.

        Args:
            z: float32 [n, d].
            temperature: factor on the scores.

        Returns:
            Log-probabilities of the groups, [n, g].
        """
        margins = self.discriminant.background_margins(z)
        scores = temperature * (self.mean_weights * margins + self.score_offsets)
        return share_among_groups(log_softmax(scores), self.class_of_group)


def share_among_groups(log_posterior: Array, class_of_group: Array) -> Array:
    """Share the probability of each class equally among its groups.

    Args:
        log_posterior: of the classes, [n, c].
        class_of_group: class of each group, int [g].

    Returns:
        Log-probabilities of the groups, [n, g].
    """
    sizes = np.log(np.bincount(class_of_group)).astype(log_posterior.dtype)
    shares: Array = (log_posterior - sizes)[:, class_of_group]
    return shares
