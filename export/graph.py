"""Export a torch backbone to an ONNX graph that the runtimes of devices can load."""

import contextlib
import io
import logging
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.model import BackboneModel
from edge_tosca.runtime.golden import GOLDEN_PICTURES, cosine
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.preprocess import Preprocessing

if TYPE_CHECKING:
    import onnx

# The exporter's native opset and the IR version of its release: onnxruntime 1.20 and later load both.
OPSET = 18
IR_VERSION = 10
INPUT, OUTPUT = "pixels", "features"
_LEAST_COSINE = 0.99999


@dataclass(frozen=True)
class BackboneGraph:
    """An FP32 backbone of any source, ready for quantization.

    Attributes:
        name: the backbone's name.
        licence: of its weights.
        copyright: notice of its weights.
        graph: input "pixels" float32 [1, 3, size, size], output "features" float32 [1, d].
        preprocessing: of the graph's pictures.
        family: "vit" for a transformer, else "cnn"; selects the recipes.
        source: of the weights, for the manifest.
    """

    name: str
    licence: str
    copyright: str
    graph: "onnx.ModelProto"
    preprocessing: Preprocessing
    family: str
    source: dict[str, Any]


def graph_of(model: BackboneModel) -> BackboneGraph:
    """Export a torch backbone.

    Args:
        model: the torch backbone.

    Returns:
        Its graph.

    Raises:
        EdgeToscaError: the model cannot be exported, or the graph does not compute what torch does.
    """
    return BackboneGraph(
        model.name,
        model.licence,
        model.copyright,
        to_graph(model),
        model.preprocessing,
        model.family,
        model.source,
    )


def to_graph(model: BackboneModel) -> "onnx.ModelProto":
    """Export a backbone at batch 1 with static shapes; batch norms are folded into convolutions.

    Args:
        model: the torch backbone.

    Returns:
        The FP32 graph, input "pixels" [1, 3, size, size], output "features" [1, d].

    Raises:
        EdgeToscaError: the model cannot be exported, or the graph does not compute what torch does.
    """
    import onnx
    import torch

    size = model.preprocessing.size
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backbone.onnx"
        try:
            with _quiet():
                torch.onnx.export(
                    model.light,
                    (torch.zeros(1, 3, size, size),),
                    path,
                    dynamo=True,
                    opset_version=OPSET,
                    input_names=[INPUT],
                    output_names=[OUTPUT],
                    external_data=False,
                    verbose=False,
                )
        # The exporter raises its own exceptions, torch's, and others.
        except Exception as error:
            reason = str(error).strip().split("\n")[0]
            raise EdgeToscaError(f"{model.name}: torch cannot export it to ONNX ({reason:.160})") from error
        graph = onnx.load(path)
    tidy(graph)
    _check_against_torch(graph, model)
    return graph


def tidy(graph: "onnx.ModelProto") -> None:
    """Number a graph's tensors, remove its metadata, and check it.

    Args:
        graph: changed in place.
    """
    import onnx

    graph.ir_version = IR_VERSION
    _strip_metadata(graph)
    _number_tensors(graph)
    onnx.checker.check_model(graph, full_check=True)


def _strip_metadata(graph: Any) -> None:
    # The exporter's metadata contain stack traces with paths of this machine.
    graph.doc_string = ""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    del graph.graph.value_info[:]
    for item in [*graph.graph.node, *graph.graph.initializer, *graph.graph.input, *graph.graph.output]:
        del item.metadata_props[:]
        item.doc_string = ""


def _number_tensors(graph: Any) -> None:
    # Names by position, not by the exporter's counters, so that recorded activation ranges match the tensors.
    names = {OUTPUT: OUTPUT}
    for index, node in enumerate(graph.graph.node):
        node.name = f"{node.op_type}_{index}"
        for position, old in enumerate(node.output):
            names.setdefault(old, f"{node.op_type.lower()}_{index}" + (f"_{position}" if position else ""))
    for node in graph.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names[name] for name in node.output]


def _check_against_torch(graph: Any, model: BackboneModel) -> None:
    import torch

    session = import_onnxruntime().InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    pixels = model.preprocessing(Image.fromarray(GOLDEN_PICTURES[0].pixels()))
    with torch.inference_mode():
        expected = model.module(torch.from_numpy(pixels)).numpy()
    agreement = cosine(expected.ravel(), np.asarray(session.run(None, {INPUT: pixels})[0]).ravel())
    if agreement < _LEAST_COSINE:
        raise EdgeToscaError(
            f"{model.name}: the ONNX graph does not compute what torch does (cosine {agreement:.6f}); "
            "try another version of torch"
        )


@contextlib.contextmanager
def _quiet() -> Any:
    """Keep the exporter's progress and warnings from the user's terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
