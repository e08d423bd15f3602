"""How faithful a quantized backbone is to its FP32 original, on pictures it was not calibrated on."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """How well two simple classifiers do on a backbone's features.

    Attributes:
        right: bool [2, s, m], whether nearest mean and linear probe name m pictures right in s splits.
        images: number of pictures that the splits are made of.
    """

    right: NDArray[np.bool_]
    images: int

    @property
    def nearest_mean(self) -> float:
        """Share of pictures that the nearest class mean names right."""
        return float(self.right[0].mean())

    @property
    def linear_probe(self) -> float:
        """Share of pictures that a logistic regression names right."""
        return float(self.right[1].mean())


@dataclass(frozen=True)
class Fidelity:
    """Agreement of INT8 with FP32 features.

    Attributes:
        cosine_mean: mean cosine over the pictures.
        cosine_p1: their first percentile.
        cosine_min: the least.
        fp32: accuracies on FP32 features; None without two classes.
        int8: the same on INT8 features.
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
        """What the worse classifier loses beyond chance, as a share of the pictures; 0 if not measured.

        The lower end of the loss's one-sided 95 % confidence interval: a few hundred pictures differ by a
        point or two by luck alone. Pictures count once, however many splits asked them.
        """
        if self.fp32 is None or self.int8 is None:
            return 0.0
        lost = self.fp32.right.astype(np.float64) - self.int8.right
        error = lost.std(axis=(1, 2)) / np.sqrt(self.fp32.images)
        return float(np.max(lost.mean(axis=(1, 2)) - 1.645 * error))

    def entry(self) -> dict[str, Any]:
        """Write the manifest's ``fidelity`` entry."""
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
        fp32_accuracies: of the original's features, where they are known already.

    Returns:
        The fidelity.
    """
    products = np.einsum("nd,nd->n", fp32.astype(np.float64), int8.astype(np.float64))
    cosines = products / (np.linalg.norm(fp32, axis=1) * np.linalg.norm(int8, axis=1))
    return Fidelity(
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)),
        cosine_min=float(cosines.min()),
        fp32=fp32_accuracies or measure_accuracies(fp32, labels),
        int8=measure_accuracies(int8, labels),
        images=len(fp32),
        data=data,
    )


def measure_accuracies(features: NDArray[np.float32], labels: Sequence[str]) -> Accuracies | None:
    """Teach two classifiers one half of every class and ask them the other, in five seeded splits.

    The nearest mean goes by cosine; the linear probe is scikit-learn's logistic regression on features of
    unit length, scaled by one number to a mean square of 1.

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
        taught = _half_of_every_class(codes, len(names), seed)
        asked = ~taught
        means = {code: unit[taught & (codes == code)].mean(axis=0) for code in np.unique(codes)}
        table = np.stack([mean / np.linalg.norm(mean) for mean in means.values()])
        answers = np.array(list(means))[np.argmax(unit[asked] @ table.T, axis=1)]
        nearest.append(answers == codes[asked])
        scaled = unit * np.sqrt(unit.shape[1])
        model = LogisticRegression(C=0.1, max_iter=200).fit(scaled[taught], codes[taught])
        probe.append(model.predict(scaled[asked]) == codes[asked])
    return Accuracies(np.array([nearest, probe]), len(codes))


def _half_of_every_class(codes: NDArray[np.int64], classes: int, seed: int) -> NDArray[np.bool_]:
    rng = np.random.default_rng(seed)
    taught = np.zeros(len(codes), dtype=bool)
    for code in range(classes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        taught[rows[: (len(rows) + 1) // 2]] = True
    return taught


def graph_features(graph: "onnx.ModelProto", inputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Run a graph on prepared pictures.

    Args:
        graph: FP32 or INT8.
        inputs: n of float32 [1, 3, size, size].

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
    features = np.concatenate([session.run(None, {name: pixels})[0] for pixels in inputs])
    if not np.isfinite(features).all():
        raise EdgeToscaError("the graph gives features that are not finite numbers; check the weights")
    return features.reshape(len(inputs), -1)
