"""The router: all that is needed to answer, besides the modules."""

from dataclasses import dataclass

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.lda.discriminant import Discriminant
from edge_tosca.classifier.lda.relative_mahalanobis import kinship, nearest_groups
from edge_tosca.classifier.ood.detector import Familiarity, lengths, signs
from edge_tosca.classifier.shared_means import Joined

PROPOSED = 3
"""Groups that the router proposes for a closer look."""

_STEPS = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Router:
    """All that is needed to answer, besides the modules.

    Attributes:
        joined: scores of things, where the lessons of each have one mean; None where each group's own counts.
        discriminant: scores of the groups' plain means, and of the background in the last row.
        worth: what each mean keeps of itself, see `edge_tosca.classifier.lda.mean_shrinkage`, float32 [g].
        shift: what its score gains by that, float32 [g].
        relief: part of its squared distance from the background that is noise, float32 [g].
        deviations: of the groups' means from the background, for familiarity, in steps, int16 [g, d]:
            unlike float16 they widen to float32 in no time.
        steps: length of a step of each group, float32 [g].
        lengths: of the groups' means, float32 [g].
        background: mean of all pictures, float32 [d].
        temperature: factor on the discriminant's scores.
        module_weight: how much a module's opinion counts inside its task.
        familiarity: the threshold for unknowns.
        shrinkage: what was chosen for the covariance.
        calibration: of label sets; probabilities of the true labels of left-out pictures, float32 [n].
    """

    joined: "Joined | None"
    discriminant: Discriminant
    worth: Array
    shift: Array
    relief: Array
    deviations: Array
    steps: Array
    lengths: Array
    background: Array
    temperature: float
    module_weight: float
    familiarity: Familiarity
    shrinkage: float
    calibration: Array

    def to_arrays(self) -> dict[str, Array]:
        """Give everything as arrays, for the store."""
        familiarity = self.familiarity
        return {
            "weights": self.discriminant.weights,
            "bias": self.discriminant.bias,
            "worth": self.worth,
            "shift": self.shift,
            "relief": self.relief,
            "deviations": self.deviations,
            "steps": self.steps,
            "lengths": self.lengths,
            "background": self.background,
            "familiarity": np.stack([familiarity.mean, familiarity.spread, familiarity.weights]),
            "threshold": np.array([familiarity.threshold]),
            "scalars": np.array([self.temperature, self.module_weight, self.shrinkage]),
            "calibration": self.calibration,
            **({} if self.joined is None else self.joined.to_arrays()),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], groups: int, dimensions: int) -> "Router":
        """Read what `to_arrays` gave.

        Args:
            arrays: from the store.
            groups: that the router must know.
            dimensions: of a feature.

        Returns:
            The router.

        Raises:
            KeyError: an array is missing.
            ValueError: an array does not fit.
        """
        shapes = {
            "weights": (groups + 1, dimensions),
            "bias": (groups + 1,),
            "worth": (groups,),
            "shift": (groups,),
            "relief": (groups,),
            "deviations": (groups, dimensions),
            "steps": (groups,),
            "lengths": (groups,),
            "background": (dimensions,),
            "familiarity": (3, 3),
            "threshold": (1,),
        }
        for name, shape in shapes.items():
            if arrays[name].shape != shape or np.isnan(arrays[name]).any():
                raise ValueError(f"{name} does not fit")
        temperature, module_weight, shrinkage = (float(value) for value in arrays["scalars"])
        mean, spread, weights = arrays["familiarity"]
        return cls(
            Joined.from_arrays(arrays, groups, dimensions) if "joined_units" in arrays else None,
            Discriminant(arrays["weights"], arrays["bias"]),
            arrays["worth"],
            arrays["shift"],
            arrays["relief"],
            arrays["deviations"],
            arrays["steps"],
            arrays["lengths"],
            arrays["background"],
            temperature,
            module_weight,
            Familiarity(mean, spread, weights, float(arrays["threshold"][0])),
            shrinkage,
            arrays["calibration"],
        )

    def ask(self, z: Array) -> tuple[Array, Array]:
        """Give the router's own opinion.

        Args:
            z: conditioned features, float32 [n, d].

        Returns:
            Log-probabilities of the groups, [n, g], and by how much their plain means' scores are above the
            background's, [n, g].
        """
        above = self.discriminant.above(z)
        if self.joined is not None:
            return self.joined.ask(z, self.temperature), above
        return log_softmax(self.temperature * (self.worth * above + self.shift)), above

    def signs(self, z: Array, above: Array) -> Array:
        """Give the signs of familiarity.

        Args:
            z: conditioned features, float32 [n, d].
            above: of `ask`.

        Returns:
            Direction, relative distance and nearness, float64 [n, 3].
        """
        nearest = nearest_groups(above + 0.5 * self.relief)
        found = [self.signs_among(*each) for each in zip(z, nearest, above, strict=True)]
        return np.array(found).reshape(-1, 3)

    def signs_among(self, z: Array, groups: Array, above: Array) -> Array:
        """Give the signs of familiarity of one picture.

        Args:
            z: conditioned feature, float32 [d].
            groups: its nearest ones, int [k].
            above: of `ask`, [g]; read for these only.

        Returns:
            Direction, relative distance and nearness, float64 [3].
        """
        # One product gives K and the cosines: at one picture a time the number of calls is what costs.
        beside = np.empty((len(groups) + 1, len(z)), np.float32)
        np.subtract(self.discriminant.weights[groups], self.discriminant.weights[-1], out=beside[:-1])
        beside[-1] = z
        products = (self.deviations[groups].astype(np.float32) @ beside.T) * self.steps[groups, None]
        near = ((products[:, -1] + z @ self.background) / self.lengths[groups]).max(keepdims=True)
        kin = np.array([kinship(above[groups], products[:, :-1], self.relief[groups])])
        together: Array = signs(kin, lengths(z[None] - self.background), near)[0]
        return together


def in_steps(deviations: Array) -> tuple[Array, Array]:
    """Round deviations to 16 bits, as finely as the largest of each row allows.

    Args:
        deviations: [g, d].

    Returns:
        In steps, int16 [g, d], and the length of each row's step, float32 [g].
    """
    largest = np.abs(deviations).max(axis=1, keepdims=True)
    steps = (np.maximum(largest, np.finfo(np.float32).tiny * _STEPS) / _STEPS).astype(np.float32)
    return np.rint(deviations / steps).clip(-_STEPS, _STEPS).astype(np.int16), steps[:, 0]
