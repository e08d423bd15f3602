"""Out-of-distribution (OOD) detection: how much a picture looks like any class that was taught.

Three statistics are added, each standardised by its values on held-out known pictures:

- direction: cosine, in the metric of the discriminant, between the picture and the nearest mean, both seen
  from the background (the mean of all pictures);
- relative Mahalanobis distance to the nearest mean (`edge_tosca.classifier.lda.relative_mahalanobis`);
- nearness: cosine to the nearest of the means that the picture is compared with.

`edge_tosca.classifier.ood.threshold` places the score below which a picture is called unknown by the held-out
pictures alone, `edge_tosca.classifier.ood.reference_threshold` by the bundle's reference pictures, too;
docs/unknowns.md compares the score with others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_tosca.arrays import Array, require_shapes
from edge_tosca.classifier.calibration.known_probability import known_probability
from edge_tosca.classifier.lda.blocked_folds import Block
from edge_tosca.classifier.lda.discriminant import Discriminant
from edge_tosca.classifier.lda.relative_mahalanobis import (
    nearest_groups,
    relative_mahalanobis,
)
from edge_tosca.classifier.ood.calibration import (
    NO_EVIDENCE,
    Evidence,
    OodCalibration,
    place_threshold,
    read_evidence,
    read_scale,
)
from edge_tosca.classifier.ood.dependence import Dependence
from edge_tosca.classifier.ood.strictness import strict_threshold

_FLOOR = 1e-6
_MOST_STEPS = np.iinfo(np.int16).max


@dataclass(frozen=True)
class OodDetector:
    """Scores pictures by how much they look like any taught class.

    Attributes:
        discriminant: the router's, whose metric the statistics use.
        mean_noise: part of each mean's squared distance from the background that is noise, float32 [g].
        quantized_means: the groups' means, seen from the background, in steps, int16 [g, d]; unlike float16
            they widen to float32 without a conversion cost.
        quantization_steps: length of a step of each group, float32 [g].
        lengths: of the groups' means, float32 [g].
        background: mean of all pictures, float32 [d].
        calibration: of the statistics, with the threshold.
        evidence: the scores that placed the threshold; of no picture in a store of an earlier version.
    """

    discriminant: Discriminant
    mean_noise: Array
    quantized_means: Array
    quantization_steps: Array
    lengths: Array
    background: Array
    calibration: OodCalibration
    evidence: Evidence = NO_EVIDENCE

    @property
    def threshold(self) -> float:
        """Score below which a picture is called unknown, at balanced strictness."""
        return self.calibration.threshold

    def threshold_at(self, strictness: float) -> float:
        """Return the score below which a picture is called unknown at a strictness in 0 .. 1."""
        return strict_threshold(self.calibration.threshold, self.calibration.scale, strictness)

    def known_probability(self, score: float) -> float:
        """Return the probability that a picture of a score shows any taught class."""
        return known_probability(score, self.calibration.scale)

    @classmethod
    def of(
        cls, discriminant: Discriminant, sums: Array, counts: Array, noise: Array, calibration: OodCalibration
    ) -> "OodDetector":
        """Prepare the groups' means for scoring.

        Args:
            discriminant: the router's.
            sums: of the groups' features, float64 [g, d].
            counts: pictures of each group, int [g].
            noise: see `mean_noise`, [g].
            calibration: of the statistics.

        Returns:
            The detector.
        """
        means, background = sums / counts[:, None], sums.sum(axis=0) / counts.sum()
        quantized, steps = quantize_rows(means - background)
        lengths = np.maximum(row_lengths(means), _FLOOR).astype(np.float32)
        return cls(
            discriminant,
            noise.astype(np.float32),
            quantized,
            steps,
            lengths,
            background.astype(np.float32),
            calibration,
        )

    def to_arrays(self) -> dict[str, Array]:
        """Return the arrays under the names in which a store keeps them, without the discriminant's."""
        calibration = self.calibration
        return {
            "relief": self.mean_noise,
            "deviations": self.quantized_means,
            "steps": self.quantization_steps,
            "lengths": self.lengths,
            "background": self.background,
            "familiarity": np.stack([calibration.mean, calibration.spread, calibration.weights]),
            "threshold": np.array([calibration.threshold]),
            "scale": np.array([calibration.scale]),
            "known_scores": self.evidence.known,
            "reference_scores": self.evidence.references,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], discriminant: Discriminant) -> "OodDetector":
        """Read the arrays that `to_arrays` returned; errors as in `Router.from_arrays`."""
        groups, dimensions = len(discriminant.weights) - 1, discriminant.weights.shape[1]
        shapes = dict.fromkeys(("relief", "steps", "lengths"), (groups,))
        require_shapes(
            arrays,
            {
                **shapes,
                "deviations": (groups, dimensions),
                "background": (dimensions,),
                "familiarity": (3, 3),
                "threshold": (1,),
            },
        )
        mean, spread, weights = arrays["familiarity"]
        return cls(
            discriminant,
            arrays["relief"],
            arrays["deviations"],
            arrays["steps"],
            arrays["lengths"],
            arrays["background"],
            OodCalibration(mean, spread, weights, float(arrays["threshold"][0]), read_scale(arrays)),
            read_evidence(arrays),
        )

    def score(self, z: Array, margins: Array) -> Array:
        """Score pictures.

        Args:
            z: normalised features, float32 [n, d].
            margins: of the groups above the background, [n, g]; see `Router.scores`.

        Returns:
            float64 [n]; the higher, the more a picture looks like a known class.
        """
        return self.calibration.score(self.statistics(z, margins))

    def among(self, groups: Array) -> "OodDetector":
        """Return a detector that knows some of the groups only, at the same threshold.

        Args:
            groups: indices, int [k], at least one.

        Returns:
            The detector; its margins are those of `groups`.
        """
        rows = np.append(groups, len(self.mean_noise))
        return replace(
            self,
            discriminant=Discriminant(self.discriminant.weights[rows], self.discriminant.bias[rows]),
            mean_noise=self.mean_noise[groups],
            quantized_means=self.quantized_means[groups],
            quantization_steps=self.quantization_steps[groups],
            lengths=self.lengths[groups],
        )

    def with_evidence(
        self, known: Array, references: Array | None, refused: float, dependence: Callable[[], Dependence]
    ) -> "OodDetector":
        """Keep the scores that show where known pictures end, and place the threshold by the references.

        Args:
            known: statistics of held-out known pictures, [n, 3].
            references: normalised features of reference pictures, float32 [r, d]; None where the bundle has
                none.
            refused: share of known pictures that may be refused, in 0 .. 1.
            dependence: of the known pictures; called where it is needed.

        Returns:
            The detector. Where the held-out pictures are too few to place a threshold, the references alone
            do: two pictures of a class suffice, or one of a single class. One picture of each of several
            classes does not: it shows no spread inside them.
        """
        scores = NO_EVIDENCE.references
        if references is not None and len(references):
            scores = self.score(references, self.discriminant.background_margins(references))
        calibration, evidence = place_threshold(
            self.calibration, known, scores, refused, len(self.mean_noise), dependence
        )
        return replace(self, calibration=calibration, evidence=evidence)

    def statistics(self, z: Array, margins: Array) -> Array:
        """Compute the three statistics; arguments as for `score`.

        Returns:
            Direction, relative distance and nearness, float64 [n, 3].
        """
        nearest = nearest_groups(margins + 0.5 * self.mean_noise)
        found = [self.statistics_among(*each) for each in zip(z, nearest, margins, strict=True)]
        return np.array(found).reshape(-1, 3)

    def statistics_among(self, z: Array, groups: Array, margins: Array) -> Array:
        """Compute the statistics of one picture.

        Args:
            z: normalised feature, float32 [d].
            groups: its nearest ones, int [k].
            margins: of all groups above the background, [g]; read for `groups` only.

        Returns:
            Direction, relative distance and nearness, float64 [3].
        """
        # One product gives K and the cosines: at one picture a time the number of calls is the cost.
        beside = np.empty((len(groups) + 1, len(z)), np.float32)
        np.subtract(self.discriminant.weights[groups], self.discriminant.weights[-1], out=beside[:-1])
        beside[-1] = z
        products = self.quantized_means[groups].astype(np.float32) @ beside.T
        products *= self.quantization_steps[groups, None]
        near = ((products[:, -1] + z @ self.background) / self.lengths[groups]).max(keepdims=True)
        distance = relative_mahalanobis(margins[groups], products[:, :-1], self.mean_noise[groups])
        far = row_lengths(z[None] - self.background)
        together: Array = ood_statistics(np.array([distance]), far, near)[0]
        return together


def held_out_statistics(
    z: Array, blocks: Sequence[Block], nearest: Array, distances: Array, sums: Array, counts: Array
) -> Array:
    """Compute the statistics of held-out pictures, each without its block.

    The mean of the remaining pictures is longer, by the noise of fewer pictures, and so its cosine to any
    picture is smaller. A new picture is compared with the mean of all pictures, so that mean's length is used
    here.

    Args:
        z: the blocks' normalised features, one block after another, [n, d].
        blocks: pictures that are held out together.
        nearest: groups that each picture is compared with, int [n, k].
        distances: relative Mahalanobis distances, [n, 2].
        sums: of the groups' features, [g, d].
        counts: pictures of each group, int [g].

    Returns:
        float64 [n, 3].
    """
    every, long = sums.sum(axis=0), np.maximum(row_lengths(sums), _FLOOR)
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
        far[rows] = row_lengths(z[rows] - (every - taken) / (counts.sum() - len(block.rows)))
        start = rows.stop
    return ood_statistics(distances, far, near)


def ood_statistics(distances: Array, far: Array, near: Array) -> Array:
    """Put the three statistics together.

    Args:
        distances: direction, not yet divided by `far`, and relative Mahalanobis distance, [n, 2].
        far: distance of each picture from the background, [n].
        near: cosine to the nearest mean of the groups that it is compared with, [n].

    Returns:
        float64 [n, 3].
    """
    direction = distances[:, 0] / np.maximum(far, _FLOOR)
    together: Array = np.stack([direction, distances[:, 1], near], axis=1)
    return together


def row_lengths(vectors: Array) -> Array:
    """Compute the Euclidean length of each row, [n] of [n, d]."""
    found: Array = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    return found


def quantize_rows(rows: Array) -> tuple[Array, Array]:
    """Round rows to 16 bits, as finely as the largest value of each allows.

    Args:
        rows: float [g, d].

    Returns:
        In steps, int16 [g, d], and the length of each row's step, float32 [g].
    """
    largest = np.abs(rows).max(axis=1, keepdims=True)
    steps = (np.maximum(largest, np.finfo(np.float32).tiny * _MOST_STEPS) / _MOST_STEPS).astype(np.float32)
    return np.rint(rows / steps).clip(-_MOST_STEPS, _MOST_STEPS).astype(np.int16), steps[:, 0]
