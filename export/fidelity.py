"""How faithful a quantized backbone is to its FP32 original, on pictures it was not calibrated on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError
from edge_tosca.runtime.telemetry import import_onnxruntime

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Fidelity:
    """Agreement of INT8 with FP32 features.

    Attributes:
        cosine_mean: mean cosine over the pictures.
        cosine_p1: their first percentile.
        cosine_min: the least.
        accuracy_fp32: of a nearest-class-mean classifier on FP32 features; None without two classes.
        accuracy_int8: the same on INT8 features.
        images: number of pictures.
        data: names of the data sets.
    """

    cosine_mean: float
    cosine_p1: float
    cosine_min: float
    accuracy_fp32: float | None
    accuracy_int8: float | None
    images: int
    data: str

    def entry(self) -> dict[str, Any]:
        """Write the manifest's ``fidelity`` entry."""
        accuracies = {"fp32": self.accuracy_fp32, "int8": self.accuracy_int8}
        return {
            "cosine": {
                "mean": round(self.cosine_mean, 5),
                "p1": round(self.cosine_p1, 5),
                "min": round(self.cosine_min, 5),
            },
            "nearest_mean_accuracy": {
                key: None if value is None else round(value, 5) for key, value in accuracies.items()
            },
            "images": self.images,
            "data": self.data,
        }


def measure_fidelity(
    fp32: NDArray[np.float32], int8: NDArray[np.float32], labels: Sequence[str], data: str
) -> Fidelity:
    """Compare two backbones' features of the same pictures.

    Args:
        fp32: float32 [n, d], features of the original.
        int8: float32 [n, d], features of the quantized backbone.
        labels: n class names.
        data: names of the data sets.

    Returns:
        The fidelity.
    """
    products = np.einsum("nd,nd->n", fp32.astype(np.float64), int8.astype(np.float64))
    cosines = products / (np.linalg.norm(fp32, axis=1) * np.linalg.norm(int8, axis=1))
    return Fidelity(
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)),
        cosine_min=float(cosines.min()),
        accuracy_fp32=nearest_mean_accuracy(fp32, labels),
        accuracy_int8=nearest_mean_accuracy(int8, labels),
        images=len(fp32),
        data=data,
    )


def nearest_mean_accuracy(features: NDArray[np.float32], labels: Sequence[str]) -> float | None:
    """Classify every second picture of a class by the mean feature of the others, by cosine.

    Args:
        features: float32 [n, d].
        labels: n class names.

    Returns:
        The share that is right; None if fewer than two classes have two pictures.
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    members = {name: np.flatnonzero(np.array(labels) == name) for name in sorted(set(labels))}
    members = {name: rows for name, rows in members.items() if len(rows) >= 2}
    if len(members) < 2:
        return None
    means = np.stack([unit[rows[::2]].mean(axis=0) for rows in members.values()])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    right = [np.argmax(unit[rows[1::2]] @ means.T, axis=1) == k for k, rows in enumerate(members.values())]
    return float(np.concatenate(right).mean())


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
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    name = graph.graph.input[0].name
    features = np.concatenate([session.run(None, {name: pixels})[0] for pixels in inputs])
    if not np.isfinite(features).all():
        raise EdgeToscaError("the graph gives features that are not finite numbers; check the weights")
    return features.reshape(len(inputs), -1)
