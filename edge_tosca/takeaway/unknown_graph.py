"""The OOD score, and the competition of none pictures: see `edge_tosca.classifier.ood`."""

import numpy as np

from edge_tosca.classifier.lda.relative_mahalanobis import NEAREST_CLASSES
from edge_tosca.classifier.ood.detector import OodDetector
from edge_tosca.classifier.ood.none_of_these import NoneOfThese
from edge_tosca.takeaway.graph import Graph

_FLOOR = 1e-6
_LEAST_SQUARE = 1e-9


def add_score(graph: Graph, ood: OodDetector, z: str, margins: str, above: str) -> str:
    """Compute the OOD score.

    Args:
        graph: to add to.
        ood: the detector.
        z: name of the normalised feature, float32 [1, d].
        margins: name of the groups' margins above the background, float32 [1, g].
        above: name of the groups' weights above the background's, float32 [g, d].

    Returns:
        Name of the score, float32 [1, 1].
    """
    groups = len(ood.mean_noise)
    k = min(NEAREST_CLASSES, groups)
    noise = graph.stored("mean_noise", ood.mean_noise[None].astype(np.float32))
    fair = graph.add("Add", margins, graph.add("Mul", graph.constant(0.5), noise))
    best, nearest = graph.largest(fair, k)
    places = graph.reshape(nearest, k)

    def of_nearest(name: str) -> str:
        return graph.add("Gather", name, places, axis=0)

    steps = of_nearest(graph.stored("mean_steps", ood.quantization_steps[:, None].astype(np.float32)))
    means = graph.cast(of_nearest(graph.stored("means", ood.quantized_means)), "float32")
    beside = graph.add("Concat", of_nearest(above), z, axis=0)
    products = graph.add("Mul", graph.product(means, beside), steps)
    background = graph.stored("background", ood.background[None])
    lengths = of_nearest(graph.stored("mean_lengths", ood.lengths[:, None].astype(np.float32)))
    toward = graph.add("Add", graph.slice(products, k, k + 1), graph.product(z, background))
    near = graph.maximum(graph.reshape(graph.add("Div", toward, lengths), 1, k))
    if k == 1:
        direction = relative = graph.constant(0.0, shape=(1, 1))
    else:
        own = graph.add("Gather", margins, places, axis=1)
        between = graph.slice(products, 0, k)
        diagonal = graph.total(graph.add("Mul", between, graph.constant(np.eye(k))))
        t = graph.add("Add", graph.reshape(own, k, 1), graph.add("Mul", graph.constant(0.5), diagonal))
        first = graph.add("Max", graph.slice(diagonal, 0, 1, axis=0), graph.constant(_LEAST_SQUARE))
        along = graph.add("Div", graph.slice(t, 0, 1, axis=0), graph.add("Sqrt", first))
        far = graph.length(graph.add("Sub", z, background))
        direction = graph.add("Div", along, graph.add("Max", far, graph.constant(_FLOOR)))
        # 2 fair - t'(K + k I)^-1 t; the form is negative.
        twice = graph.add("Mul", graph.constant(2.0), graph.slice(best, 0, 1))
        relative = graph.add("Add", twice, _add_negative_form(graph, between, t, k))
    return _add_weighed(graph, ood, graph.add("Concat", direction, relative, near, axis=1))


def _add_negative_form(graph: Graph, between: str, t: str, k: int) -> str:
    """Compute -t'(K + k I)^-1 t, [1, 1]: the Schur complement of K + k I in the matrix bordered by t.

    ONNX has no operator that solves equations, so k steps of elimination stand in the graph. The matrix needs
    no pivoting: K is positive semidefinite up to rounding.
    """
    shifted = graph.add("Add", between, graph.constant(k * np.eye(k)))
    top = graph.add("Concat", shifted, t, axis=1)
    border = graph.add("Concat", graph.reshape(t, 1, k), graph.constant(0.0, shape=(1, 1)), axis=1)
    matrix = graph.add("Concat", top, border, axis=0)
    for size in range(k + 1, 1, -1):
        row = graph.slice(matrix, 0, 1, axis=0)
        below = graph.slice(matrix, 1, size, axis=0)
        factor = graph.add("Div", graph.slice(row, 1, size), graph.slice(row, 0, 1))
        taken = graph.add("Mul", graph.slice(below, 0, 1), factor)
        matrix = graph.add("Sub", graph.slice(below, 1, size), taken)
    return matrix


def _add_weighed(graph: Graph, ood: OodDetector, statistics: str) -> str:
    calibration = ood.calibration
    centred = graph.add("Sub", statistics, graph.stored("score_mean", calibration.mean[None].astype("f4")))
    standard = graph.add("Div", centred, graph.stored("score_spread", calibration.spread[None].astype("f4")))
    weights = graph.stored("score_weights", calibration.weights[None].astype("f4"))
    return graph.total(graph.add("Mul", standard, weights))


def add_none_probability(graph: Graph, none: NoneOfThese, temperature: float, z: str, margins: str) -> str:
    """Compute the probability that the picture is like none pictures and not like its best class.

    Args:
        graph: to add to.
        none: the means of none pictures.
        temperature: of the router.
        z: name of the normalised feature, float32 [1, d].
        margins: name of the groups' margins, float32 [1, g].

    Returns:
        Name of the probability, float32 [1, 1].
    """
    best, place = graph.largest(margins, 1)
    weights, bias = graph.stored("none_weights", none.weights), graph.stored("none_bias", none.bias)
    own = graph.add("Gemm", z, weights, bias, transB=1)
    lean = graph.stored("none_lean", np.ascontiguousarray(none.lean.T))
    leaning = graph.add("Sub", own, graph.add("Gather", lean, graph.reshape(place, 1), axis=0))
    excess = graph.add("Sub", graph.maximum(leaning), best)
    return graph.add("Sigmoid", graph.add("Mul", graph.constant(temperature), excess))
