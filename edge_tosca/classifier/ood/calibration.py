"""Standardise the OOD statistics, and place the threshold below which a picture is called unknown."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.relative_mahalanobis import NEAREST_CLASSES
from edge_tosca.classifier.ood.dependence import Dependence
from edge_tosca.classifier.ood.reference_threshold import reference_threshold, references_begin
from edge_tosca.classifier.ood.threshold import rejection_threshold

STATISTIC_WEIGHTS = np.array([0.5, 1.0, 0.5])
"""Of direction, relative distance and nearness. The relative distance separates siblings of known classes,
the other two mostly pictures far from all of them. Half or twice the weight of either changes the mean area
under the ROC curve by at most 0.01."""

STANDARD_SHARE = 0.05
"""Share of known pictures below the threshold that is the scale of probabilities."""

LEAST_SCALE = 0.1
"""Standard deviations; held-out pictures whose scores hardly differ show no scale."""

FEWEST = 5
"""Held-out pictures from which on they place a threshold."""

COPIES_SPREAD = 3e-4
"""Standard deviation of the nearness below which the held-out pictures are copies of one: twice what rounding
gives, a third of the least that was measured on different photographs."""

_FLOOR = 1e-6


@dataclass(frozen=True)
class OodCalibration:
    """Weighs the standardised statistics, and holds the threshold.

    Attributes:
        mean: of each statistic on known pictures, float64 [3].
        spread: their standard deviations, float64 [3].
        weights: of the standardised statistics, float64 [3].
        threshold: a picture whose score is below it is unknown; -inf calls nothing unknown.
        scale: distance from 0 to the threshold that refuses STANDARD_SHARE of known pictures; infinite where
            the pictures do not show it.
    """

    mean: Array
    spread: Array
    weights: Array
    threshold: float
    scale: float = math.inf

    def score(self, statistics: Array) -> Array:
        """Add up the standardised statistics.

        Args:
            statistics: direction, relative distance and nearness, [n, 3].

        Returns:
            float64 [n]; the higher, the more the picture looks like a known class.
        """
        total: Array = (statistics - self.mean) / self.spread @ self.weights
        return total


@dataclass(frozen=True)
class Evidence:
    """The scores by which a threshold was placed.

    Attributes:
        known: of held-out known pictures, increasing, float32 [n].
        references: of reference pictures, increasing, float32 [r]; empty where the bundle has none.
    """

    known: Array
    references: Array


NO_EVIDENCE = Evidence(np.zeros(0, np.float32), np.zeros(0, np.float32))


def fit_ood_calibration(statistics: Array, refused: float, groups: int) -> OodCalibration:
    """Standardise the statistics, and place the threshold for an expected share of known pictures below it.

    Args:
        statistics: of held-out known pictures, [n, 3].
        refused: the share, in 0 .. 1.
        groups: number of groups.

    Returns:
        The calibration. With fewer than FEWEST pictures, or copies of one, nothing is called unknown: they do
        not show how much new pictures of their class will differ. References can, see
        `OodDetector.with_evidence`.
    """
    weights = statistic_weights(groups)
    if len(statistics) < 2:
        return OodCalibration(np.zeros(3), np.ones(3), weights, -np.inf)
    spread = np.maximum(statistics.std(axis=0), _FLOOR)
    calibrated = OodCalibration(statistics.mean(axis=0), spread, weights, -np.inf)
    if refused <= 0 or len(statistics) < FEWEST or spread[2] < COPIES_SPREAD:
        return calibrated
    return replace(calibrated, threshold=rejection_threshold(calibrated.score(statistics), refused))


def statistic_weights(groups: int) -> Array:
    """Weigh the statistics by what they can measure.

    The relative distance measures the k - 1 directions in which k groups differ, and the nearness all of
    them: with fewer groups than NEAREST_CLASSES it counts more.

    Args:
        groups: number of groups.

    Returns:
        float64 [3].
    """
    return STATISTIC_WEIGHTS * [1, 1, NEAREST_CLASSES / min(groups, NEAREST_CLASSES)]


def place_threshold(
    calibration: OodCalibration,
    known: Array,
    references: Array,
    refused: float,
    groups: int,
    dependence: Callable[[], Dependence],
) -> tuple[OodCalibration, Evidence]:
    """Place the threshold and the scale of probabilities by held-out pictures and references.

    Args:
        calibration: of the statistics.
        known: statistics of held-out known pictures, [n, 3].
        references: scores of reference pictures, [r]; none where the bundle has none.
        refused: share of known pictures that may be refused, in 0 .. 1.
        groups: number of groups.
        dependence: of the known pictures; called where it is needed.

    Returns:
        The calibration, and the scores. Where the held-out pictures are too few, the references alone place
        the threshold: two pictures of a class suffice, or one of a single class. One picture of each of
        several classes does not: it shows no spread inside them.
    """
    own, measured = np.sort(calibration.score(known)), cache(dependence)

    def placed(share: float) -> float:
        if share > 0 and len(known) >= FEWEST and _varied(known):
            return (
                reference_threshold(own, references, share, measured(), groups)
                if len(references)
                else rejection_threshold(own, share)
            )
        if share > 0 and len(references) and (_varied(known) or groups == 1):
            return references_begin(references)
        return -math.inf

    standard = placed(STANDARD_SHARE)
    scale = max(-standard, LEAST_SCALE) if math.isfinite(standard) else math.inf
    evidence = Evidence(own.astype(np.float32), np.sort(references).astype(np.float32))
    return replace(calibration, threshold=placed(refused), scale=scale), evidence


def _varied(statistics: Array) -> bool:
    """Return whether there are several held-out pictures and not copies of one."""
    return len(statistics) > 1 and bool(statistics[:, 2].std() >= COPIES_SPREAD)


def read_scale(arrays: Mapping[str, Array]) -> float:
    """Read the scale; that of a router of an earlier version is the distance to its threshold."""
    kept = arrays.get("scale")
    if kept is not None and kept.shape == (1,):
        return float(kept[0])
    distance = -float(arrays["threshold"][0])
    return max(distance, LEAST_SCALE) if np.isfinite(distance) else math.inf


def read_evidence(arrays: Mapping[str, Array]) -> Evidence:
    """Read the scores that placed the threshold; routers of earlier versions have none."""
    known, references = arrays.get("known_scores"), arrays.get("reference_scores")
    if known is None or references is None:
        return NO_EVIDENCE
    for scores in (known, references):
        if scores.ndim != 1 or not np.isfinite(scores).all():
            raise ValueError("the scores of the threshold do not fit")
    return Evidence(known, references)
