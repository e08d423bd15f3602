"""Write what a learner knows as one ONNX file, which programs without edge-tosca can run."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tosca.errors import BundleError
from edge_tosca.learner.learner import Learner
from edge_tosca.learner.model import Model
from edge_tosca.learner.strictness import Strictness, read_strictness
from edge_tosca.runtime.onnx_interface import read_interface
from edge_tosca.runtime.outputs import output_names
from edge_tosca.system.files import write_atomically
from edge_tosca.takeaway import messages
from edge_tosca.takeaway.answer_graph import add_answer, outputs
from edge_tosca.takeaway.feature_graph import add_feature, add_pixels
from edge_tosca.takeaway.graph import Graph
from edge_tosca.takeaway.splice import opset_of, splice
from edge_tosca.version import __version__

PICTURE = "picture"

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
        raise BundleError(f"{bundle.path}: its operators are of version {opset}; {_LEAST_OPSET} is needed")
    before, behind = Graph(opset), Graph(opset)
    add_pixels(before, PICTURE, bundle.preprocessing, interface.inputs[0].name)
    behind.names.update(before.names)
    names = output_names([tensor.name for tensor in interface.outputs], bundle)
    strictness = read_strictness(learner.store)
    add_answer(behind, model, add_feature(behind, names, bundle.widths), bundle.widths, strictness)
    labels, side = len(model.state.labels), bundle.preprocessing.size
    return splice(
        backbone,
        before,
        behind,
        [messages.value_info(PICTURE, "uint8", (1, side, side, 3))],
        outputs(labels),
        _metadata(learner, model, strictness),
        ("edge-tosca", __version__),
    )


def _metadata(learner: Learner, model: Model, strictness: Strictness) -> dict[str, str]:
    bundle, state, side = learner.vision.bundle, model.state, learner.vision.bundle.preprocessing.size
    thresholds = {label: model.router.ood.threshold_at(strictness.of(state, label)) for label in state.labels}
    return {
        "labels": json.dumps(state.labels, ensure_ascii=False),
        "thresholds": json.dumps({k: v if np.isfinite(v) else str(v) for k, v in thresholds.items()}),
        "picture": f"uint8 RGB [1, {side}, {side}, 3], cropped and resized",
        "preprocessing": json.dumps(bundle.manifest["input"]),
        "backbone": bundle.name,
        "backbone_licence": str(bundle.manifest.get("licence", "")),
        "generation": str(state.generation),
        "holds": "class means in plain form; forget cannot reach this file",
    }
