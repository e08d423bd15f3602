"""The router, refined inside each task: see `edge_tosca.classifier.router` and `...calibration.posterior`."""

from collections.abc import Mapping, Sequence

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.classifier.lda.discriminant import Discriminant
from edge_tosca.classifier.router import NEGLIGIBLE, PROPOSED, Router
from edge_tosca.takeaway.graph import Graph


def add_margins(graph: Graph, discriminant: Discriminant, z: str) -> tuple[str, str]:
    """Compute the margins of the groups above the background.

    Args:
        graph: to add to.
        discriminant: with the background in the last row.
        z: name of the normalised feature, float32 [1, d].

    Returns:
        Names of the margins, float32 [1, g], and of the weights above the background's, float32 [g, d].
    """
    above = graph.stored("weights", discriminant.weights[:-1] - discriminant.weights[-1])
    bias = graph.stored("bias", discriminant.bias[:-1] - discriminant.bias[-1])
    return graph.add("Gemm", z, above, bias, transB=1), above


def add_log_probabilities(graph: Graph, router: Router, z: str, margins: str) -> str:
    """Compute the router's log-probabilities of the groups.

    Args:
        graph: to add to.
        router: of the generation.
        z: name of the normalised feature, float32 [1, d].
        margins: name of the groups' margins, float32 [1, g].

    Returns:
        Name of the log-probabilities, float32 [1, g].
    """
    shared = router.shared_means
    if shared is None:
        return _add_softmax(graph, margins, router.mean_weights, router.score_offsets, router.temperature)
    own, _ = add_margins(graph, shared.discriminant, z)
    classes = _add_softmax(graph, own, shared.mean_weights, shared.score_offsets, router.temperature)
    sizes = np.log(np.bincount(shared.class_of_group)).astype(np.float32)
    shares = graph.add("Sub", classes, graph.stored("sizes", sizes[None]))
    places = graph.stored("classes", shared.class_of_group.astype(np.int64))
    return graph.add("Gather", shares, places, axis=1)


def _add_softmax(graph: Graph, margins: str, weights: Array, offsets: Array, temperature: float) -> str:
    weighted = graph.add("Mul", graph.stored("mean_weights", weights[None].astype(np.float32)), margins)
    scores = graph.add("Add", weighted, graph.stored("offsets", offsets[None].astype(np.float32)))
    return graph.add("LogSoftmax", graph.add("Mul", graph.constant(temperature), scores), axis=1)


def add_refined(
    graph: Graph, logs: str, columns: Sequence[slice], opinions: Mapping[int, str], weight: float
) -> str:
    """Pool the router's log-probabilities with the opinions, inside the likely tasks.

    Args:
        graph: to add to.
        logs: name of the router's log-probabilities, float32 [1, g].
        columns: of each task.
        opinions: place of a task to the name of its opinion, float32 [1, k].
        weight: of the opinions.

    Returns:
        Name of the log-probabilities, float32 [1, g].
    """
    if not opinions:
        return logs
    limit = None
    if len(columns) > 1:
        count = min(PROPOSED, columns[-1].stop)
        best, _ = graph.largest(logs, count)
        least = graph.add("Sub", graph.slice(best, 0, 1), graph.constant(NEGLIGIBLE))
        limit = graph.add("Max", graph.slice(best, count - 1, count), least)
    parts = []
    for place, own in enumerate(columns):
        inside = logs if len(columns) == 1 else graph.slice(logs, own.start, own.stop)
        if place in opinions:
            pooled = graph.add("Add", inside, graph.add("Mul", graph.constant(weight), opinions[place]))
            # `inside` less its log-softmax is the logarithm of the task's probability.
            total = graph.add("Sub", inside, graph.add("LogSoftmax", inside, axis=1))
            revised = graph.add("Add", total, graph.add("LogSoftmax", pooled, axis=1))
            if limit is not None:
                likely = graph.add("GreaterOrEqual", graph.maximum(inside), limit)
                revised = graph.add("Where", likely, revised, inside)
            inside = revised
        parts.append(inside)
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def add_label_probabilities(graph: Graph, logs: str, label_of_group: Array, labels: int) -> str:
    """Add up the probabilities of groups that share a label.

    Args:
        graph: to add to.
        logs: name of the groups' log-probabilities, float32 [1, g].
        label_of_group: index of each group's label, int [g].
        labels: number of labels.

    Returns:
        Name of the labels' probabilities, float32 [1, labels].
    """
    probabilities = graph.add("Exp", logs)
    if len(label_of_group) == labels and (label_of_group == np.arange(labels)).all():
        return probabilities
    members = (label_of_group == np.arange(labels)[:, None]).astype(np.float32)
    return graph.product(probabilities, graph.stored("labels", members))
