"""Scores of classes that several tasks taught: all lessons of one class share a mean."""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.lda.discriminant import Discriminant


@dataclass(frozen=True)
class Joined:
    """Scores of units: all groups that were taught as one thing, that is all its lessons, have one mean.

    Attributes:
        units: unit of each group, int32 [g], 0 .. u - 1.
        discriminant: scores of the units' plain means, and of the background in the last row.
        worth: what each mean keeps of itself, see `edge_tosca.classifier.lda.mean_shrinkage`, float32 [u].
        shift: what its score gains by that, float32 [u].
    """

    units: Array
    discriminant: Discriminant
    worth: Array
    shift: Array

    def to_arrays(self) -> dict[str, Array]:
        """Give everything as arrays, for the store."""
        return {
            "joined_units": self.units,
            "joined_weights": self.discriminant.weights,
            "joined_bias": self.discriminant.bias,
            "joined_worth": self.worth,
            "joined_shift": self.shift,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], groups: int, dimensions: int) -> "Joined":
        """Read what `to_arrays` gave; see `Router.from_arrays`."""
        units, worth, shift = (arrays[f"joined_{name}"] for name in ("units", "worth", "shift"))
        weights, bias = arrays["joined_weights"], arrays["joined_bias"]
        u = len(worth)
        fits = worth.shape == shift.shape == (u,) and weights.shape == (u + 1, dimensions)
        fits = fits and bias.shape == (u + 1,) and units.shape == (groups,) and units.dtype.kind == "i"
        if not fits or not np.array_equal(np.unique(units), np.arange(u)):
            raise ValueError("the classes of several lessons do not fit")
        if any(np.isnan(values).any() for values in (weights, bias, worth, shift)):
            raise ValueError("the classes of several lessons have no scores")
        return cls(units, Discriminant(weights, bias), worth, shift)

    def ask(self, z: Array, temperature: float) -> Array:
        """Give log-probabilities of the groups.

        Args:
            z: conditioned features, float32 [n, d].
            temperature: factor on the scores.

        Returns:
            [n, g].
        """
        above = self.discriminant.above(z)
        return of_groups(log_softmax(temperature * (self.worth * above + self.shift)), self.units)


def of_groups(log_posterior: Array, units: Array) -> Array:
    """Share the probability of each unit equally among its groups.

    Args:
        log_posterior: of the units, [n, u].
        units: unit of each group, int [g].

    Returns:
        [n, g].
    """
    shares: Array = (log_posterior - np.log(np.bincount(units)).astype(log_posterior.dtype))[:, units]
    return shares
