"""From a feature to the answer, in the order of `edge_tosca.learner.model.Model.predict`."""

import numpy as np

from edge_tosca.classifier.calibration.known_probability import INTERCEPT, NO_EVIDENCE, SLOPE
from edge_tosca.learner.model import Model
from edge_tosca.learner.strictness import Strictness
from edge_tosca.takeaway import messages
from edge_tosca.takeaway.feature_graph import add_normalized
from edge_tosca.takeaway.graph import Graph
from edge_tosca.takeaway.module_graph import add_entropy_choice, add_opinion
from edge_tosca.takeaway.router_graph import (
    add_label_probabilities,
    add_log_probabilities,
    add_margins,
    add_refined,
)
from edge_tosca.takeaway.unknown_graph import add_none_probability, add_score
from edge_tosca.takeaway.vote_graph import add_vote

LABEL, UNKNOWN = "label", "unknown"
PROBABILITIES, CONFIDENCES, UNKNOWN_PROBABILITY = "probabilities", "confidences", "unknown_probability"


def outputs(labels: int) -> list[bytes]:
    """Describe the outputs of an exported model.

    Args:
        labels: number of its labels.

    Returns:
        Their encoded descriptions.
    """
    return [
        messages.value_info(LABEL, "int64", (1,)),
        messages.value_info(PROBABILITIES, "float32", (1, labels)),
        messages.value_info(UNKNOWN, "bool", (1,)),
        messages.value_info(UNKNOWN_PROBABILITY, "float32", (1,)),
        messages.value_info(CONFIDENCES, "float32", (1, labels)),
    ]


def add_answer(
    graph: Graph, model: Model, feature: str, widths: tuple[int, ...], strictness: Strictness
) -> None:
    """Add everything from the feature to the answer, in the order of `Model.predict`.

    Args:
        graph: to add to; it gets the tensors of `outputs`.
        model: of the generation.
        feature: name of the feature as the backbone computes it, float32 [1, d].
        widths: of its parts.
        strictness: of the store and its classes.
    """
    state, router = model.state, model.router
    z = add_normalized(graph, feature, widths, router.part_weight)
    margins, above = add_margins(graph, router.discriminant, z)
    if model.rule == "entropy":
        logs = add_entropy_choice(graph, model.modules(), feature, widths[0])
    else:
        logs = add_log_probabilities(graph, router, z, margins)
        opinions, weight = _add_opinions(graph, model, z, widths[0])
        logs = add_refined(graph, logs, state.columns, opinions, weight)
    of_labels = add_label_probabilities(graph, logs, state.label_of_group, len(state.labels))
    graph.add("Identity", of_labels, output=CONFIDENCES)
    label = graph.add("ArgMax", of_labels, axis=1, keepdims=0, output=LABEL)
    score = add_score(graph, router.ood, z, margins, above)
    dials = np.array([strictness.of(state, label) for label in state.labels])
    thresholds = np.array([router.ood.threshold_at(dial) for dial in dials], np.float32)
    threshold = graph.add("Gather", graph.stored("thresholds", thresholds), label)
    unknown = graph.add("Less", graph.reshape(score, 1), threshold)
    known = _add_known(graph, score, router.ood.calibration.scale)
    if router.none is not None:
        none = add_none_probability(graph, router.none, router.temperature, z, margins)
        limit = graph.add("Gather", graph.stored("none_limits", (1 - dials).astype(np.float32)), label)
        unknown = graph.add("Or", unknown, graph.add("Greater", graph.reshape(none, 1), limit))
        known = graph.add("Mul", known, graph.add("Sub", graph.constant(1.0), none))
    graph.add("Identity", unknown, output=UNKNOWN)
    graph.add("Mul", of_labels, known, output=PROBABILITIES)
    graph.reshape(graph.add("Sub", graph.constant(1.0), known), 1, output=UNKNOWN_PROBABILITY)


def _add_opinions(graph: Graph, model: Model, z: str, width: int) -> tuple[dict[int, str], float]:
    """Add the opinion of every task that has one; return them by place, and their weight."""
    router, opinions = model.router, {}
    for place in range(len(model.state.tasks)):
        if router.vote is not None:
            vote = model.vote_of(place)
            if vote is not None:
                opinions[place] = add_vote(graph, vote, router.vote.sharpness, z, router.part_weight)
        elif router.module_weight > 0:
            module = model.module_with_evidence(place)
            if module is not None:
                opinions[place] = add_opinion(graph, module, z, width)
    return opinions, router.module_weight if router.vote is None else router.vote.weight


def _add_known(graph: Graph, score: str, scale: float) -> str:
    """Add the probability that the picture shows a taught class, float32 [1, 1]."""
    if not np.isfinite(scale):
        return graph.add("Identity", graph.constant(NO_EVIDENCE, shape=(1, 1)))
    slope = graph.add("Mul", graph.constant(SLOPE / scale), score)
    return graph.add("Sigmoid", graph.add("Add", slope, graph.constant(INTERCEPT)))
