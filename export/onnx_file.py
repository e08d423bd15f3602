"""Load an untrusted ONNX file that computes an embedding as a backbone."""

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from edge_tosca.errors import BundleError, EdgeToscaError, what_and_remedy
from edge_tosca.export.graph import INPUT, OPSET, OUTPUT, BackboneGraph, tidy
from edge_tosca.export.onnx_input import picture_input, reads_of
from edge_tosca.runtime.golden import GOLDEN_PICTURES, cosine
from edge_tosca.runtime.manifest import input_of, preprocessing_of
from edge_tosca.runtime.no_telemetry import import_onnxruntime
from edge_tosca.runtime.onnx_safety import require_self_contained
from edge_tosca.runtime.preprocess import Preprocessing

if TYPE_CHECKING:
    import onnx

# Quantization of weights per channel needs it.
_LEAST_OPSET = 13
_LEAST_COSINE = 0.99999


def load_onnx(path: Path, feature: str, preprocessing: Preprocessing) -> BackboneGraph:
    """Extract the part of an ONNX file that computes an embedding, at batch 1 and with static shapes.

    Args:
        path: the file, which must contain its weights.
        feature: name of the embedding's tensor, an output or any other: [1, d], [1, d, 1, 1], or [1, n, d],
            whose first token is used.
        preprocessing: of the graph's pictures.

    Returns:
        The backbone.

    Raises:
        EdgeToscaError: the file cannot be read, has other inputs than one picture (NHWC is transposed),
            refers to external weights, has no such tensor, or cannot be made static; or a number of the
            preprocessing is out of range.
    """
    _require_ranges(preprocessing, path)
    model = _read(path)
    source = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    name = picture_input(model, path, preprocessing.size)
    _end_at(model, feature, path)
    fixed, shape = _folded(model, path)
    _shape_feature(fixed, shape, path)
    tidy(fixed)
    _check_against_file(fixed, model, name, preprocessing, path)
    return BackboneGraph(path.stem, "unknown", "", fixed, preprocessing, _family(fixed), source)


def _require_ranges(preprocessing: Preprocessing, path: Path) -> None:
    try:
        preprocessing_of({"input": input_of(preprocessing)}, path)
    except BundleError as error:
        reason = what_and_remedy(error)[0]
        raise EdgeToscaError(f"{reason}; give other values of --size, --mean, --std or --crop") from None


def _read(path: Path) -> "onnx.ModelProto":
    import onnx

    if not path.is_file():
        raise EdgeToscaError(f"{path}: no such ONNX file; name one, or a backbone of --list")
    try:
        # Before a reader can follow a path in the file.
        data = path.read_bytes()
        require_self_contained(data, path)
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model)
    except EdgeToscaError:
        raise
    # The reader and the checker raise exceptions of their own.
    except Exception as error:
        raise EdgeToscaError(f"{path}: not a sound ONNX file ({_reason(error)}); export it again") from error
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < _LEAST_OPSET:
        raise EdgeToscaError(
            f"{path}: opset {opset} is too old; export it with opset {_LEAST_OPSET} to {OPSET}"
        )
    return model


def _end_at(model: "onnx.ModelProto", feature: str, path: Path) -> None:
    """Make a tensor the only output and remove the nodes and weights that it does not depend on."""
    import onnx

    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    if feature not in made:
        outputs = ", ".join(item.name for item in graph.output)
        raise EdgeToscaError(f"{path}: has no tensor {feature!r} for --feature; its outputs are {outputs}")
    needed, waiting = set(), [feature]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += reads_of(made[name]) if name in made else []
    nodes = [node for node in graph.node if needed.intersection(node.output)]
    weights = [item for item in graph.initializer if item.name in needed]
    del graph.node[:], graph.initializer[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.output.append(onnx.ValueInfoProto(name=feature))


def _folded(model: "onnx.ModelProto", path: Path) -> tuple["onnx.ModelProto", list[int]]:
    """Fold constants with ONNX Runtime for the fixed input; return the graph and the feature's shape."""
    import onnx

    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "static.onnx")
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
                # It replaces MatMul nodes, which the quantizers need.
                disabled_optimizers=["MatMulAddFusion"],
            )
            (taken,) = session.get_inputs()
            shape = list(session.run(None, {taken.name: np.zeros(taken.shape, np.float32)})[0].shape)
        except Exception as error:
            raise EdgeToscaError(
                f"{path}: onnxruntime cannot run it at batch 1 ({_reason(error)}); check --size"
            ) from error
        graph = onnx.load(options.optimized_model_filepath)
    # ONNX Runtime lists the domains of its own operators, used or not.
    used = {node.domain for node in graph.graph.node}
    standard = [entry for entry in graph.opset_import if entry.domain in used or not entry.domain]
    del graph.opset_import[:]
    graph.opset_import.extend(standard)
    return graph, shape


def _shape_feature(model: "onnx.ModelProto", shape: list[int], path: Path) -> None:
    """Rename input and output to those of every bundle, and reshape the embedding to [1, d]."""
    import onnx

    graph = model.graph
    old_input, old_output = graph.input[0].name, graph.output[0].name
    pooled = len(shape) in (2, 3) or (len(shape) == 4 and shape[2:] == [1, 1])
    if not pooled or shape[0] != 1:
        raise EdgeToscaError(
            f"{path}: --feature {old_output} has the shape {shape}, not [1, d], [1, d, 1, 1] or [1, n, d]; "
            "name the tensor after the pooling"
        )
    for node in graph.node:
        node.input[:] = [INPUT if name == old_input else name for name in node.input]
    graph.input[0].name = INPUT
    if len(shape) == 3:
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(0, np.int64), "first_token"))
        last = onnx.helper.make_node("Gather", [old_output, "first_token"], [OUTPUT], axis=1)
    else:
        last = onnx.helper.make_node("Flatten", [old_output], [OUTPUT], axis=1)
    graph.node.append(last)
    width = shape[2] if len(shape) == 3 else shape[1]
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, [1, width]))


def _check_against_file(
    graph: "onnx.ModelProto", model: "onnx.ModelProto", name: str, preprocessing: Preprocessing, path: Path
) -> None:
    pixels = preprocessing(Image.fromarray(GOLDEN_PICTURES[0].pixels()))
    open_session = import_onnxruntime().InferenceSession
    expected, found = (
        open_session(item.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {key: pixels})[0]
        for item, key in ((model, name), (graph, INPUT))
    )
    agreement = cosine(np.asarray(expected).ravel()[: found.size], np.asarray(found).ravel())
    if agreement < _LEAST_COSINE:
        raise EdgeToscaError(f"{path}: with static shapes its features differ (cosine {agreement:.6f})")


def _family(model: "onnx.ModelProto") -> str:
    kinds = [node.op_type for node in model.graph.node]
    return "vit" if kinds.count("MatMul") > kinds.count("Conv") else "cnn"


def _reason(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:120]
