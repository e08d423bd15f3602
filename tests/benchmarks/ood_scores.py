"""Scores that separate known pictures from unknown ones: those of the field, and the parts of ours."""

from collections.abc import Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import MissingExtraError
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.model import Model

NEIGHBOURS = 3
"""Cached features of the score "nearest"."""

_RIDGE_PENALTY = 0.1

OURS = "ours"
SCORES = {
    "mahalanobis": "Mahalanobis distance to the nearest class mean, one shared covariance (OAS)",
    "slda": "SLDA score of the best class",
    "nearest": "mean cosine to the 3 nearest cached features",
    "ridge": "ridge response of the best class, penalty 0.1",
    "ridge+nearest": "the last two, standardised on known test pictures, which favours this score, "
    "and summed",
    "direction": "our first statistic: the part of the deviation from the background that points at the "
    "nearest class",
    "relative": "our second statistic: relative Mahalanobis distance among the nearest classes",
    "near": "our third statistic: cosine to the nearest mean of the nearest classes",
    "direction+relative": "ours without nearness",
    "direction+near": "ours without the relative distance",
    "relative+near": "ours without the direction",
    OURS: "the sum of the three statistics, the first and third at half weight, as the learner does it",
}
"""What is compared, in the order of the table; the higher, the more a picture looks known."""


class Scorer:
    """Compute every score of SCORES from what one learner was taught.

    Args:
        model: of a learner that was taught the known classes.
        known: features of other pictures of known classes, [n, d]. Only the sum of ridge and nearest is
            standardised on them, which favours it.
    """

    def __init__(self, model: Model, known: Array) -> None:
        try:
            from sklearn.covariance import OAS
        except ModuleNotFoundError:
            raise MissingExtraError("scikit-learn", "demo") from None
        self._model = model
        # The other scores are those of their papers, on the last feature alone.
        groups = [model.features_of.first_part(index) for index in range(len(model.state.groups))]
        self._cached = np.concatenate(groups)
        means = np.stack([rows.mean(axis=0, dtype=np.float64) for rows in groups])
        residuals = np.concatenate([rows - mean for rows, mean in zip(groups, means, strict=True)])
        self._precision = OAS(assume_centered=True).fit(residuals).precision_
        self._weights = means @ self._precision
        self._bias = -0.5 * np.sum(self._weights * means, axis=1)
        self._ridge = _ridge(self._cached, [len(rows) for rows in groups])
        parts = self._parts(normalize(known[:, : self._cached.shape[1]]))
        self._mean, self._spread = {}, {}
        for name in ("ridge", "nearest"):
            self._mean[name], self._spread[name] = parts[name].mean(), parts[name].std()

    def __call__(self, features: Array) -> dict[str, Array]:
        """Score pictures.

        Args:
            features: [n, d].

        Returns:
            A key of SCORES to float64 [n].
        """
        scores = self._parts(normalize(features[:, : self._cached.shape[1]]))
        scores["ridge+nearest"] = sum(
            (scores[name] - self._mean[name]) / self._spread[name] for name in ("ridge", "nearest")
        )
        statistics = self._model.ood_statistics(features)
        ood = self._model.router.ood.calibration
        scores[OURS] = ood.score(statistics)
        direction, relative, near = ((statistics - ood.mean) / ood.spread * ood.weights).T
        scores |= {"direction": direction, "relative": relative, "near": near}
        scores |= {
            "direction+relative": direction + relative,
            "direction+near": direction + near,
            "relative+near": relative + near,
        }
        return scores

    def _parts(self, z: Array) -> dict[str, Array]:
        ridge_weights, ridge_bias = self._ridge
        slda = (z @ self._weights.T + self._bias).max(axis=1)
        cosines = z @ self._cached.T
        count = min(NEIGHBOURS, cosines.shape[1])
        return {
            # The distance to m is z'Pz - 2 (z'Pm - m'Pm / 2).
            "mahalanobis": 2 * slda - np.sum(z @ self._precision * z, axis=1),
            "slda": slda,
            "nearest": np.partition(cosines, -count, axis=1)[:, -count:].mean(axis=1),
            "ridge": (z @ ridge_weights.T + ridge_bias).max(axis=1),
        }


def _ridge(z: Array, counts: Sequence[int]) -> tuple[Array, Array]:
    """Solve the ridge regression of class membership on features, with a free intercept."""
    mean, shares = z.mean(axis=0, dtype=np.float64), np.array(counts) / len(z)
    centred = z - mean
    targets = np.repeat(np.eye(len(counts)), counts, axis=0) - shares
    scatter = centred.T @ centred + _RIDGE_PENALTY * np.eye(z.shape[1])
    weights = np.linalg.solve(scatter, centred.T @ targets).T
    return weights, shares - weights @ mean
