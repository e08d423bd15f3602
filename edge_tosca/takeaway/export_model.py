"""Write what a learner knows as one ONNX file, which programs without edge-tosca can run."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca.classifier.calibration.known_probability import INTERCEPT, NO_EVIDENCE, SLOPE
from edge_tosca.errors import BundleError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.model import Model
from edge_tosca.learner.strictness import Strictness, read_strictness
from edge_tosca.runtime.onnx_interface import read_interface
from edge_tosca.runtime.outputs import output_names
from edge_tosca.system.files import write_atomically
from edge_tosca.takeaway import messages
from edge_tosca.takeaway.feature_graph import add_feature, add_normalized, add_pixels
from edge_tosca.takeaway.graph import Graph
from edge_tosca.takeaway.module_graph import add_entropy_choice, add_opinion
from edge_tosca.takeaway.router_graph import (
    add_label_probabilities,
    add_log_probabilities,
    add_margins,
    add_refined,
)
from edge_tosca.takeaway.splice import opset_of, splice
from edge_tosca.takeaway.unknown_graph import add_none_probability, add_score
from edge_tosca.takeaway.vote_graph import add_vote
from edge_tosca.version import __version__

PICTURE, LABEL, UNKNOWN = "picture", "label", "unknown"
PROBABILITIES, CONFIDENCES, UNKNOWN_PROBABILITY = "probabilities", "confidences", "unknown_probability"

_LEAST_OPSET = 13


@dataclass(frozen=True)
class ExportedModel:
    """What was written.

    Attributes:
        bytes: size of the file.
        size: side of the picture that it reads, pixels.
        labels: in the order of the probabilities.
        generation: of the learner.
    """

    bytes: int
    size: int
    labels: tuple[str, ...]
    generation: int


def export_model(learner: Learner, out: Path) -> ExportedModel:
    """Write the live generation of a learner as an ONNX file; docs/export-model.md has the formula.

    Args:
        learner: of which the file holds the class means, in plain form.
        out: file to write; it is written whole or not at all, and readable by its owner alone.

    Returns:
        What was written.

    Raises:
        LearnError: nothing was learned yet.
        BundleError: the backbone's graph is malformed, or its operators are older than those of 2020.
        OSError: the file cannot be written.
    """
    with learner.store.snapshot():
        model = Model(learner.store, learner.store.state())
        model.require_answers()
        data = _model_file(learner, model)
    write_atomically(out, lambda file: file.write(data))
    preprocessing = learner.vision.bundle.preprocessing
    return ExportedModel(len(data), preprocessing.size, model.state.labels, model.state.generation)


def _model_file(learner: Learner, model: Model) -> bytes:
    bundle = learner.vision.bundle
    backbone = bundle.graph()
    try:
        opset, interface = opset_of(backbone), read_interface(backbone)
    except (ValueError, IndexError):
        raise BundleError(f"{bundle.path}: not a sound ONNX file") from None
    if opset < _LEAST_OPSET:
        raise BundleError(
            f"{bundle.path}: its graph has operators of version {opset}; {_LEAST_OPSET} is needed"
        )
    before, behind = Graph(opset), Graph(opset)
    add_pixels(before, PICTURE, bundle.preprocessing, interface.inputs[0].name)
    behind.names.update(before.names)
    names = output_names([tensor.name for tensor in interface.outputs], bundle)
    strictness = read_strictness(learner.store)
    _add_answer(behind, model, add_feature(behind, names, bundle.widths), bundle.widths, strictness)
    labels, side = len(model.state.labels), bundle.preprocessing.size
    return splice(
        backbone,
        before,
        behind,
        [messages.value_info(PICTURE, "uint8", (1, side, side, 3))],
        [
            messages.value_info(LABEL, "int64", (1,)),
            messages.value_info(PROBABILITIES, "float32", (1, labels)),
            messages.value_info(UNKNOWN, "bool", (1,)),
            messages.value_info(UNKNOWN_PROBABILITY, "float32", (1,)),
            messages.value_info(CONFIDENCES, "float32", (1, labels)),
        ],
        _metadata(learner, model, strictness),
        ("edge-tosca", __version__),
    )


def _add_answer(
    graph: Graph, model: Model, feature: str, widths: tuple[int, ...], strictness: Strictness
) -> None:
    """Add everything from the feature to the answer, in the order of `Model.predict`."""
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


def _metadata(learner: Learner, model: Model, strictness: Strictness) -> dict[str, str]:
    bundle, state = learner.vision.bundle, model.state
    thresholds = {label: model.router.ood.threshold_at(strictness.of(state, label)) for label in state.labels}
    return {
        "labels": json.dumps(state.labels, ensure_ascii=False),
        "thresholds": json.dumps({k: v if np.isfinite(v) else str(v) for k, v in thresholds.items()}),
        "picture": f"uint8 RGB [1, {bundle.preprocessing.size}, {bundle.preprocessing.size}, 3], cropped and resized",
        "preprocessing": json.dumps(bundle.manifest["input"]),
        "backbone": bundle.name,
        "backbone_licence": str(bundle.manifest.get("licence", "")),
        "generation": str(state.generation),
        "holds": "class means in plain form; forget cannot reach this file",
    }
