"""The router: the shrunken discriminant that answers by default, and the OOD detector beside it.

    margin of group g above the background  t_g - K_g / 2
    score of group g                        w_g (t_g - K_g / 2) + w_g (1 - w_g) K_g / 2

with the symbols of `edge_tosca.classifier.lda.mean_shrinkage`. The softmax of the scores, times a calibrated
temperature, gives the probabilities of the groups.

A *group* is a class as one task taught it; a class that several tasks taught has several groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_tosca.arrays import Array, log_softmax, require_shapes
from edge_tosca.classifier.kernel_vote import VoteWeight
from edge_tosca.classifier.lda.discriminant import Discriminant
from edge_tosca.classifier.ood.detector import OodDetector
from edge_tosca.classifier.ood.none_of_these import NoneOfThese
from edge_tosca.classifier.shared_means import SharedMeans
from edge_tosca.features.part_weights import weigh

_MOST_LOGIT = 700.0
"""Beyond which an exponential overflows."""

PROPOSED = 3
"""Groups whose tasks' modules refine an answer: the most probable ones."""

NEGLIGIBLE = float(np.log(100))
"""Least log-probability beside the best group's: a module only redistributes its task's probability."""


@dataclass(frozen=True)
class PartWeight:
    """The weight of a feature's further parts.

    Attributes:
        widths: of all parts.
        weight: of all but the first; 0 leaves them out.
    """

    widths: tuple[int, ...]
    weight: float


@dataclass(frozen=True)
class Router:
    """The solved router of one generation: everything an answer needs besides the modules.

    Attributes:
        shared_means: scores of classes over all their tasks; None where each group's own mean counts.
        discriminant: scores of the groups' plain means, and of the background in the last row.
        mean_weights: w, the share of itself that each mean keeps, float32 [g].
        score_offsets: w (1 - w) K / 2, float32 [g].
        temperature: factor on the scores.
        module_weight: weight of a module's opinion inside its task; 0 leaves the router's.
        ood: the out-of-distribution detector.
        shrinkage: of the covariance; stored for inspection, no answer depends on it.
        calibration: true labels' probabilities of held-out pictures, increasing, float32 [n]; for label sets.
        none: means of pictures that show none of the classes; None where there are none.
        part_weight: of the feature's further parts; None where a feature has one part.
        vote: of the kernel vote, where it takes the modules' place; None where it does not.
    """

    shared_means: SharedMeans | None
    discriminant: Discriminant
    mean_weights: Array
    score_offsets: Array
    temperature: float
    module_weight: float
    ood: OodDetector
    shrinkage: float
    calibration: Array
    none: NoneOfThese | None = None
    part_weight: PartWeight | None = None
    vote: VoteWeight | None = None

    def to_arrays(self) -> dict[str, Array]:
        """Return the arrays under the names in which a store keeps them."""
        return {
            "weights": self.discriminant.weights,
            "bias": self.discriminant.bias,
            "worth": self.mean_weights,
            "shift": self.score_offsets,
            **self.ood.to_arrays(),
            "scalars": np.array([self.temperature, self.module_weight, self.shrinkage]),
            "calibration": self.calibration,
            **({} if self.shared_means is None else self.shared_means.to_arrays()),
            **({} if self.none is None else self.none.to_arrays()),
            **({} if self.part_weight is None else {"part_weight": np.array([self.part_weight.weight])}),
            **({} if self.vote is None else {"vote": np.array([self.vote.weight, self.vote.sharpness])}),
        }

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, Array], groups: int, dimensions: int, widths: Sequence[int] = ()
    ) -> "Router":
        """Read the arrays that `to_arrays` returned.

        Args:
            arrays: as the store has them.
            groups: number of groups of the generation.
            dimensions: width of a feature, all parts together.
            widths: of its parts; one part by default.

        Returns:
            The router.

        Raises:
            KeyError: an array is missing.
            ValueError: an array has another shape, or NaN.
        """
        part_weight = None
        if len(widths) > 1:
            part_weight = PartWeight(tuple(widths), float(arrays["part_weight"][0]))
            if not 0 <= part_weight.weight <= 1:
                raise ValueError("the weight of the parts is out of range")
            dimensions = widths[0] if part_weight.weight == 0 else dimensions
        shapes = {
            "weights": (groups + 1, dimensions),
            "bias": (groups + 1,),
            "worth": (groups,),
            "shift": (groups,),
        }
        require_shapes(arrays, shapes)
        temperature, module_weight, shrinkage = (float(value) for value in arrays["scalars"])
        discriminant = Discriminant(arrays["weights"], arrays["bias"])
        return cls(
            SharedMeans.from_arrays(arrays, groups, dimensions) if "joined_units" in arrays else None,
            discriminant,
            arrays["worth"],
            arrays["shift"],
            temperature,
            module_weight,
            OodDetector.from_arrays(arrays, discriminant),
            shrinkage,
            arrays["calibration"],
            NoneOfThese.from_arrays(arrays, groups, dimensions) if "none_bias" in arrays else None,
            part_weight,
            VoteWeight.of_array(arrays["vote"]) if "vote" in arrays else None,
        )

    def among(self, groups: Array) -> "Router":
        """Return a router for which a picture of any other group is unknown.

        Args:
            groups: indices of the groups that it knows, int [k], at least one.

        Returns:
            Its OOD detector and none pictures take the margins of `groups`; its scores are of all groups.
        """
        none = None if self.none is None else replace(self.none, lean=self.none.lean[:, groups])
        return replace(self, ood=self.ood.among(groups), none=none)

    def none_probability(self, z: Array, margins: Array) -> Array:
        """Compute the probability that a picture is like none pictures and not like its best class.

        Args:
            z: normalised features, float32 [n, d].
            margins: of the groups above the background, [n, g].

        Returns:
            float64 [n]; above one half the picture is called unknown. 0 where there are no none pictures.
        """
        if self.none is None:
            return np.zeros(len(z))
        odds = -self.temperature * self.none.excess(z, margins).astype(np.float64)
        probability: Array = 1 / (1 + np.exp(np.minimum(odds, _MOST_LOGIT)))
        return probability

    def view(self, z: Array) -> Array:
        """Weigh the parts of normalised features: what `scores` and the OOD detector read.

        Args:
            z: float32 [n, d].

        Returns:
            float32 [n, d], or the first part alone where the weight of the others is 0.
        """
        return weighted_view(z, self.part_weight)

    def scores(self, z: Array) -> tuple[Array, Array]:
        """Score normalised features.

        Args:
            z: from `view`, float32 [n, d].

        Returns:
            Log-probabilities of the groups, [n, g], and the margins of their plain means above the
            background, [n, g].
        """
        margins = self.discriminant.background_margins(z)
        if self.shared_means is not None:
            return self.shared_means.log_probabilities(z, self.temperature), margins
        return log_softmax(self.temperature * (self.mean_weights * margins + self.score_offsets)), margins


def weighted_view(z: Array, part_weight: PartWeight | None) -> Array:
    """Weigh the parts of normalised features, float32 [n, d]; they stay as they are without a weight."""
    return z if part_weight is None else weigh(z, part_weight.widths, part_weight.weight)
