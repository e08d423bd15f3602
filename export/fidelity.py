"""Measure the fidelity of a quantized backbone to its FP32 original, on held-out pictures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.session_options import session_options

if TYPE_CHECKING:
    import onnx


_SPLITS = 5


@dataclass(frozen=True, eq=False)
class Accuracies:
    """The accuracies of two simple classifiers on a backbone's features.

    Attributes:
        correct: bool [2, s, m], whether nearest mean and linear probe classify m pictures correctly in s
            splits.
        images: number of pictures that are split.
    """

    correct: NDArray[np.bool_]
    images: int

    @property
    def nearest_mean(self) -> float:
        """Accuracy of the nearest class mean."""
        return float(self.correct[0].mean())

    @property
    def linear_probe(self) -> float:
        """Accuracy of a logistic regression."""
        return float(self.correct[1].mean())


@dataclass(frozen=True)
class Fidelity:
    """Agreement of INT8 with FP32 features.

    Attributes:
        cosine_mean: mean cosine over the pictures.
        cosine_p1: first percentile of the cosines.
        cosine_min: least cosine.
        fp32: accuracies on FP32 features; None without two classes.
        int8: accuracies on INT8 features; None without two classes.
        images: number of pictures.
        data: names of the data sets.
    """

    cosine_mean: float
    cosine_p1: float
    cosine_min: float
    fp32: Accuracies | None
    int8: Accuracies | None
    images: int
    data: str

    @property
    def certain_loss(self) -> float:
        """Loss of accuracy beyond chance, of the classifier that loses more; 0 if not measured.

        The lower bound of the loss's one-sided 95 % confidence interval, since the accuracy on a few hundred
        pictures differs by a point or two by chance. Its standard error counts each picture once, not once
        for each split.
        """
        if self.fp32 is None or self.int8 is None:
            return 0.0
        lost = self.fp32.correct.astype(np.float64) - self.int8.correct
        error = lost.std(axis=(1, 2)) / np.sqrt(self.fp32.images)
        return float(np.max(lost.mean(axis=(1, 2)) - 1.645 * error))

    def entry(self) -> dict[str, Any]:
        """Return the manifest's ``fidelity`` entry."""
        return {
            "cosine": {
                "mean": round(self.cosine_mean, 5),
                "p1": round(self.cosine_p1, 5),
                "min": round(self.cosine_min, 5),
            },
            "nearest_mean_accuracy": {
                "fp32": None if self.fp32 is None else round(self.fp32.nearest_mean, 5),
                "int8": None if self.int8 is None else round(self.int8.nearest_mean, 5),
            },
            "linear_probe_accuracy": {
                "fp32": None if self.fp32 is None else round(self.fp32.linear_probe, 5),
                "int8": None if self.int8 is None else round(self.int8.linear_probe, 5),
            },
            "images": self.images,
            "data": self.data,
        }


def measure_fidelity(
    fp32: NDArray[np.float32],
    int8: NDArray[np.float32],
    labels: Sequence[str],
    data: str,
    fp32_accuracies: Accuracies | None = None,
) -> Fidelity:
    """Compare two backbones' features of the same pictures.

    Args:
        fp32: float32 [n, d], features of the original.
        int8: float32 [n, d], features of the quantized backbone.
        labels: n class names.
        data: names of the data sets.
        fp32_accuracies: of the original's features; None to measure them.

    Returns:
        The fidelity.
    """
    return replace(
        measure_cosines(fp32, int8, data),
        fp32=fp32_accuracies or measure_accuracies(fp32, labels),
        int8=measure_accuracies(int8, labels),
    )


def measure_cosines(fp32: NDArray[np.float32], int8: NDArray[np.float32], data: str) -> Fidelity:
    """Compare two backbones' features of the same pictures by their cosines alone.

    Args:
        fp32: float32 [n, d], features of the original.
        int8: float32 [n, d], features of the quantized backbone.
        data: what the pictures are.

    Returns:
        The fidelity, without accuracies.
    """
    products = np.einsum("nd,nd->n", fp32.astype(np.float64), int8.astype(np.float64))
    cosines = products / (np.linalg.norm(fp32, axis=1) * np.linalg.norm(int8, axis=1))
    return Fidelity(
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)),
        cosine_min=float(cosines.min()),
        fp32=None,
        int8=None,
        images=len(fp32),
        data=data,
    )


def measure_accuracies(features: NDArray[np.float32], labels: Sequence[str]) -> Accuracies | None:
    """Train two classifiers on one half of every class and test them on the other, in five seeded splits.

    The nearest mean is by cosine; the linear probe is scikit-learn's logistic regression on features of unit
    length, scaled by one number to a mean square of 1.

    Args:
        features: float32 [n, d].
        labels: n class names.

    Returns:
        The accuracies; None if fewer than two classes have two pictures.
    """
    from sklearn.linear_model import LogisticRegression

    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    names, codes, counts = np.unique(np.array(labels), return_inverse=True, return_counts=True)
    usable = counts[codes] >= 2
    if np.count_nonzero(counts >= 2) < 2:
        return None
    unit, codes = unit[usable], codes[usable]
    nearest, probe = [], []
    for seed in range(_SPLITS):
        train = _half_of_every_class(codes, len(names), seed)
        test = ~train
        means = {code: unit[train & (codes == code)].mean(axis=0) for code in np.unique(codes)}
        table = np.stack([mean / np.linalg.norm(mean) for mean in means.values()])
        predicted = np.array(list(means))[np.argmax(unit[test] @ table.T, axis=1)]
        nearest.append(predicted == codes[test])
        scaled = unit * np.sqrt(unit.shape[1])
        model = LogisticRegression(C=0.1, max_iter=200).fit(scaled[train], codes[train])
        probe.append(model.predict(scaled[test]) == codes[test])
    return Accuracies(np.array([nearest, probe]), len(codes))


def _half_of_every_class(codes: NDArray[np.int64], classes: int, seed: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    train = np.zeros(len(codes), dtype=bool)
    for code in range(classes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        train[rows[: (len(rows) + 1) // 2]] = True
    return train


def graph_features(
    graph: "onnx.ModelProto", inputs: Sequence[NDArray[np.float32]], outputs: Sequence[str] | None = None
) -> NDArray[np.float32]:
    """Compute the features of preprocessed pictures with ONNX Runtime.

    Args:
        graph: FP32 or INT8.
        inputs: n pictures, float32 [1, 3, size, size] each.
        outputs: the graph's outputs to join; the first one by default.

    Returns:
        float32 [n, d].

    Raises:
        EdgeToscaError: a feature is not a finite number.
    """
    onnxruntime = import_onnxruntime()
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
    )
    name = graph.graph.input[0].name
    wanted = list(outputs or [graph.graph.output[0].name])
    found = [session.run(wanted, {name: pixels}) for pixels in inputs]
    features = np.stack([np.concatenate([part.reshape(-1) for part in parts]) for parts in found])
    if not np.isfinite(features).all():
        raise EdgeToscaError("the graph computes features that are not finite numbers; check the weights")
    return features
