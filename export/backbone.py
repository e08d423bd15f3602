"""Export a backbone: trained weights in, a verified bundle out."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.export.bundle_writer import check_target, write_bundle
from edge_tosca.export.calibration import LabelledPicture, choose_pictures
from edge_tosca.export.catalog import find_backbone
from edge_tosca.export.fidelity import Fidelity, graph_features, measure_fidelity
from edge_tosca.export.golden import record_golden
from edge_tosca.export.graph import to_graph
from edge_tosca.export.model import BackboneModel, build_model
from edge_tosca.export.notice import notice
from edge_tosca.export.quantize import CNN_RECIPE, VIT_RECIPE, quantize_dynamic, quantize_static
from edge_tosca.export.ranges import measure_ranges
from edge_tosca.export.recorded import RecordedCalibration, read_recorded
from edge_tosca.runtime.golden import cosine, golden_entry
from edge_tosca.runtime.manifest import BACKBONE, input_of
from edge_tosca.runtime.pictures import load_picture
from edge_tosca.runtime.preprocess import Preprocessing

if TYPE_CHECKING:
    import onnx

PRECISIONS = ("int8", "fp32")

# A rebuild under other versions of torch and onnx may round a weight differently; more is another graph.
_REBUILT_COSINE = 0.999

OnStep = Callable[[str], None]


def export_backbone(
    backbone: str,
    out: Path,
    *,
    weights: Path | None = None,
    calibration: Path | None = None,
    precision: str = "int8",
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Make a bundle of a backbone.

    Args:
        backbone: a catalog name or any timm model's name.
        out: the bundle's folder; a bundle that is there is replaced.
        weights: a safetensors file or torch checkpoint; None for the catalog's package or the timm hub.
        calibration: a folder of class folders of pictures. For INT8 it may be left out only where a
            calibration is recorded for these weights, as it is for efficientnet_lite0.
        precision: "int8" or "fp32".
        on_step: told what is being done, one line a step.

    Returns:
        The manifest.

    Raises:
        EdgeToscaError: anything that the user can put right, in one line.
        MissingExtraError: the packages of the extra "export" are not installed.
    """
    if precision not in PRECISIONS:
        raise EdgeToscaError(f"precision {precision!r} is not known; choose from {', '.join(PRECISIONS)}")
    step = on_step or (lambda _: None)
    check_target(out)
    _check_packages()
    known = find_backbone(backbone)
    recorded = read_recorded(known.name) if precision == "int8" and calibration is None else None
    if precision == "int8" and calibration is None and recorded is None:
        raise _needs_pictures(known.name)
    step(f"building {known.name}")
    model = build_model(known, weights)
    if recorded is not None and recorded.source["sha256"] != model.source["sha256"]:
        raise _needs_pictures(known.name)
    step("writing its graph")
    fp32 = to_graph(model)
    if recorded is not None:
        step("quantizing with the recorded calibration")
        graph, report = _recalled(model, fp32, recorded)
    elif calibration is not None and precision == "int8":
        step("calibrating and judging on pictures")
        graph, report = _calibrated(model, fp32, calibration)
    else:
        graph, report = fp32, _unquantized()
    step(f"writing {out}")
    return _write(out, model, graph, precision, report)


def _write(
    out: Path, model: BackboneModel, graph: "onnx.ModelProto", precision: str, report: dict[str, Any]
) -> dict[str, Any]:
    golden = record_golden(graph, model.preprocessing)
    entries = {
        "name": model.name,
        "feature_dim": len(golden[0].feature),
        "precision": precision,
        "input": input_of(model.preprocessing),
        "licence": model.licence,
        "source": model.source,
        **report,
        "golden": [golden_entry(entry) for entry in golden],
    }
    files = {BACKBONE: graph.SerializeToString(), "LICENSE": notice(model, precision).encode()}
    return write_bundle(out, files, entries).manifest


def _unquantized() -> dict[str, Any]:
    same = Fidelity(1.0, 1.0, 1.0, None, None, images=0, data="none: the graph is FP32")
    return {"quantization": {"tool": "none", "version": "", "recipe": "none"}, "fidelity": same.entry()}


def _calibrated(
    model: BackboneModel, fp32: "onnx.ModelProto", folder: Path
) -> tuple["onnx.ModelProto", dict[str, Any]]:
    sample = choose_pictures(folder)
    data = ", ".join(sample.data_sets)
    if model.family == "vit":
        graph = quantize_dynamic(fp32)
        quantization = _quantization(VIT_RECIPE)
    else:
        inputs, _ = _prepared(sample.calibration, model.preprocessing)
        ranges = measure_ranges(fp32, inputs)
        graph = quantize_static(fp32, ranges)
        calibration = {"images": len(inputs), "data": data}
        quantization = {
            **_quantization(CNN_RECIPE),
            "calibration": calibration,
            "ranges": ranges,
        }
    inputs, labels = _prepared(sample.held_out, model.preprocessing)
    fidelity = measure_fidelity(graph_features(fp32, inputs), graph_features(graph, inputs), labels, data)
    return graph, {"quantization": quantization, "fidelity": fidelity.entry()}


def _recalled(
    model: BackboneModel, fp32: "onnx.ModelProto", recorded: RecordedCalibration
) -> tuple["onnx.ModelProto", dict[str, Any]]:
    """Repeat a recorded calibration, and claim its fidelity only for the graph that it was measured on."""
    if not set(recorded.ranges) >= {output for node in fp32.graph.node for output in node.output}:
        raise _differs(model.name)
    graph = quantize_static(fp32, recorded.ranges)
    if _agreement(graph, model, recorded) < _REBUILT_COSINE:
        raise _differs(model.name)
    quantization = {**recorded.quantization, **_quantization(recorded.quantization["recipe"])}
    return graph, {"quantization": quantization, "fidelity": recorded.fidelity}


def _agreement(graph: "onnx.ModelProto", model: BackboneModel, recorded: RecordedCalibration) -> float:
    found = record_golden(graph, model.preprocessing)
    return min(cosine(a.feature, b.feature) for a, b in zip(found, recorded.golden, strict=True))


def _prepared(
    pictures: tuple[LabelledPicture, ...], preprocessing: Preprocessing
) -> tuple[list[NDArray[np.float32]], list[str]]:
    inputs = [preprocessing(load_picture(picture.path)) for picture in pictures]
    return inputs, [picture.label for picture in pictures]


def _quantization(recipe: str) -> dict[str, Any]:
    tools = {name: version(name) for name in ("torch", "timm", "onnx")}
    return {
        "tool": "onnxruntime",
        "version": version("onnxruntime"),
        "recipe": recipe,
        "exported_with": tools,
    }


def _check_packages() -> None:
    import importlib.util

    for package in ("torch", "timm", "onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "export")


def _needs_pictures(name: str) -> EdgeToscaError:
    return EdgeToscaError(
        f"{name}: no calibration is recorded for these weights; give a folder of class folders of pictures "
        "with --calibration DIR, or choose --precision fp32"
    )


def _differs(name: str) -> EdgeToscaError:
    return EdgeToscaError(
        f"{name}: the graph that these versions of torch and onnx make is not the one whose calibration is "
        "recorded; give pictures with --calibration DIR"
    )
