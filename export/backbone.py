"""Export a backbone: trained weights in, a verified bundle out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.export.bundle_writer import check_target
from edge_tosca.export.bundling import quantization_of, unquantized, write_found, write_graph
from edge_tosca.export.calibration import LabelledPicture, Sample, choose_pictures
from edge_tosca.export.catalog import KnownBackbone, find_backbone
from edge_tosca.export.golden import record_golden
from edge_tosca.export.graph import BackboneGraph, graph_of
from edge_tosca.export.model import build_model
from edge_tosca.export.quantize import quantize_static
from edge_tosca.export.recipe import Recipe, find_recipes
from edge_tosca.export.recorded_calibration import RecordedCalibration, read_recorded
from edge_tosca.export.reference_pictures import reference_pictures
from edge_tosca.export.search import HeldOut, search
from edge_tosca.runtime.golden import GOLDEN_PICTURES, cosine
from edge_tosca.runtime.manifest import BACKBONE
from edge_tosca.runtime.pictures import load_picture
from edge_tosca.runtime.preprocess import Preprocessing

if TYPE_CHECKING:
    import onnx

PRECISIONS = ("int8", "fp32")
RECORDED = "recorded"
"""Name that selects the recipes in the catalog's entry of a backbone."""

# Other versions of torch and onnx may round a weight differently; a lower cosine means another graph.
_REBUILT_COSINE = 0.999

OnStep = Callable[[str], None]


def export_backbone(
    backbone: str,
    out: Path,
    *,
    weights: Path | None = None,
    calibration: Path | None = None,
    held_out: Path | None = None,
    reference: Path | None = None,
    precision: str = "int8",
    recipes: Sequence[str] = (),
    force: bool = False,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Export a timm backbone to a bundle.

    Args:
        backbone: a catalog name or any timm model's name.
        out: the bundle's folder; an existing bundle is replaced.
        weights: a safetensors file or torch checkpoint; None for the catalog's package or the timm hub.
        calibration: a folder of class folders of pictures. For INT8 it may be None only where a calibration
            is recorded for these weights, as for efficientnet_lite0.
        held_out: a folder of class folders for the evaluation; None for a part of ``calibration`` that is
            not used for calibration.
        reference: a folder of other photographs, on which fidelity is judged, too; None for
            crops of the photographs in scikit-learn.
        precision: "int8" or "fp32".
        recipes: names of the recipes to try; none for the whole grid, "recorded" for the catalog's choice.
        force: use the best recipe even if it fails the gate.
        on_step: called with one line at the start of each step.

    Returns:
        The manifest; its entry ``search`` has a row for each recipe that was tried. Its precision is "fp32"
        where none passed the gate.

    Raises:
        EdgeToscaError: an error that the user can correct, in one line.
        MissingExtraError: the packages of the extra "export" are not installed.
    """
    step = on_step or (lambda _: None)
    _check_request(out, precision)
    known = find_backbone(backbone)
    defaults = precision == "int8" and calibration is None and not recipes
    recorded = read_recorded(known.name) if defaults else None
    if precision == "int8" and calibration is None and recorded is None:
        raise _needs_pictures(known.name)
    sample = None if calibration is None or precision == "fp32" else choose_pictures(calibration, held_out)
    step(f"building {known.name}")
    model = build_model(known, weights)
    tried = find_recipes(model.family, _named(recipes, known))
    if recorded is not None and recorded.source["sha256"] != model.source["sha256"]:
        raise _needs_pictures(known.name)
    step("writing its graph")
    fp32 = graph_of(model)
    if recorded is None:
        return _export(fp32, out, sample, reference, tried, force, step)
    step("quantizing with the recorded calibration")
    graph, report = _requantized(fp32, recorded)
    return write_graph(out, fp32, {BACKBONE: graph.SerializeToString()}, graph, report)


def export_onnx(
    fp32: BackboneGraph,
    out: Path,
    *,
    calibration: Path | None = None,
    held_out: Path | None = None,
    reference: Path | None = None,
    precision: str = "int8",
    recipes: Sequence[str] = (),
    force: bool = False,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Export a backbone from an ONNX file to a bundle.

    Args:
        fp32: the backbone, from :func:`edge_tosca.export.onnx_file.load_onnx`.
        out: the bundle's folder; this and all further arguments are as in :func:`export_backbone`.
        calibration: pictures for calibration.
        held_out: pictures for the evaluation.
        reference: other photographs.
        precision: "int8" or "fp32".
        recipes: names of the recipes to try.
        force: use the best recipe even if it fails the gate.
        on_step: called at the start of each step.

    Returns:
        The manifest.

    Raises:
        EdgeToscaError: an error that the user can correct, in one line.
    """
    _check_request(out, precision)
    if precision == "int8" and calibration is None:
        raise _needs_pictures(fp32.name)
    sample = None if calibration is None or precision == "fp32" else choose_pictures(calibration, held_out)
    tried = find_recipes(fp32.family, tuple(recipes))
    return _export(fp32, out, sample, reference, tried, force, on_step or (lambda _: None))


def _check_request(out: Path, precision: str) -> None:
    if precision not in PRECISIONS:
        raise EdgeToscaError(f"precision {precision!r} is not known; choose from {', '.join(PRECISIONS)}")
    check_target(out)
    _check_packages()


def _named(recipes: Sequence[str], known: KnownBackbone) -> tuple[str, ...]:
    if RECORDED not in recipes:
        return tuple(recipes)
    if not known.recipes:
        raise EdgeToscaError(f"{known.name}: the catalog records no recipe for it; omit --recipe to search")
    return known.recipes


def _export(
    fp32: BackboneGraph,
    out: Path,
    sample: Sample | None,
    reference: Path | None,
    recipes: Sequence[Recipe],
    force: bool,
    step: OnStep,
) -> dict[str, Any]:
    if sample is None:
        return write_graph(out, fp32, {BACKBONE: fp32.graph.SerializeToString()}, fp32.graph, unquantized())
    step("preparing pictures")
    calibration, _ = _prepared(sample.calibration, fp32.preprocessing)
    inputs, labels = _prepared(sample.held_out, fp32.preprocessing)
    golden = [fp32.preprocessing(Image.fromarray(picture.pixels())) for picture in GOLDEN_PICTURES]
    references, origin = reference_pictures(reference, fp32.preprocessing)
    held_out = HeldOut(inputs, labels, golden, ", ".join(sample.held_out_sets), references, origin)
    found = search(fp32.graph, fp32.family, recipes, calibration, held_out, force=force, on_step=step)
    if all(trial.recipe.runtime != "onnxruntime" for trial in found.chosen):
        step("no recipe for ONNX Runtime passed the gate: backbone.onnx stays FP32 (--force takes the best)")
    data = {"images": len(calibration), "data": ", ".join(sample.data_sets)}
    return write_found(out, fp32, found, data)


def _requantized(
    fp32: BackboneGraph, recorded: RecordedCalibration
) -> tuple["onnx.ModelProto", dict[str, Any]]:
    """Quantize with recorded ranges; the recorded fidelity holds only for the graph it was measured on."""
    if not set(recorded.ranges) >= {output for node in fp32.graph.graph.node for output in node.output}:
        raise _differs(fp32.name)
    graph = quantize_static(fp32.graph, recorded.ranges)
    if _agreement(graph, fp32, recorded) < _REBUILT_COSINE:
        raise _differs(fp32.name)
    quantization = {
        **recorded.quantization,
        **quantization_of("onnxruntime", recorded.quantization["recipe"]),
    }
    return graph, {"quantization": quantization, "fidelity": recorded.fidelity}


def _agreement(graph: "onnx.ModelProto", model: BackboneGraph, recorded: RecordedCalibration) -> float:
    found = record_golden(graph, model.preprocessing)
    return min(cosine(a.feature, b.feature) for a, b in zip(found, recorded.golden, strict=True))


def _prepared(
    pictures: tuple[LabelledPicture, ...], preprocessing: Preprocessing
) -> tuple[list[NDArray[np.float32]], list[str]]:
    inputs = [preprocessing(load_picture(picture.path)) for picture in pictures]
    return inputs, [picture.label for picture in pictures]


def _check_packages() -> None:
    import importlib.util

    for package in ("torch", "timm", "onnx", "onnxscript", "nncf", "openvino", "sklearn"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "export")


def _needs_pictures(name: str) -> EdgeToscaError:
    return EdgeToscaError(
        f"{name}: no calibration is recorded for these weights; give a folder of class folders of pictures "
        "with --calibration DIR, or choose --precision fp32"
    )


def _differs(name: str) -> EdgeToscaError:
    return EdgeToscaError(
        f"{name}: the graph exported by these versions of torch and onnx differs from the one whose "
        "calibration is recorded; give pictures with --calibration DIR"
    )
