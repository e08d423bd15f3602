"""Make a bundle of the same graph for pictures of another size, judged against FP32 at that size."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.bundle_writer import check_target, write_bundle
from edge_tosca.export.catalog import CATALOG
from edge_tosca.export.fidelity import Fidelity, graph_features, measure_cosines
from edge_tosca.export.golden import record_golden
from edge_tosca.export.graph import OUTPUT, BackboneGraph, graph_of
from edge_tosca.export.model import build_model
from edge_tosca.export.reference_pictures import reference_pictures
from edge_tosca.export.search import LEAST_MEAN_COSINE
from edge_tosca.runtime.bundle import Bundle
from edge_tosca.runtime.golden import golden_entry
from edge_tosca.runtime.input_size import resized
from edge_tosca.runtime.manifest import BACKBONE, GRAPH_SIZE, input_of
from edge_tosca.runtime.preprocess import Preprocessing
from edge_tosca.runtime.references import REFERENCE

_MAP = "feature_map"


def resize_bundle(
    folder: Path,
    out: Path,
    size: int,
    crop_pct: float,
    *,
    held_out: Path | None = None,
    reference: Path | None = None,
    weights: Path | None = None,
    force: bool = False,
    on_step: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write a bundle whose graph is that of another, to the last byte, and whose pictures have another size.

    The ranges of INT8 stay those of the calibration at the old size, so the features are compared with those
    of the FP32 weights at the new one.

    Args:
        folder: of the bundle, of a backbone in the catalog.
        out: folder of the new bundle.
        size: side of its input, pixels.
        crop_pct: input side over resized shorter side.
        held_out: photographs on which it is judged beside `reference`; None for those alone.
        reference: photographs of other things; None for crops of those in scikit-learn.
        weights: a safetensors file or torch checkpoint; None for the catalog's package or the hub.
        force: write it even if its features are too far from FP32's.
        on_step: called with one line at the start of each step.

    Returns:
        The manifest. It has no reference pictures: theirs are features of the other size.

    Raises:
        BundleError: the bundle cannot be read, resized or written.
        EdgeToscaError: its weights are not known, or its features are too far from FP32's.
    """
    import onnx

    step = on_step or (lambda _: None)
    check_target(out)
    bundle = Bundle.load(folder)
    known = next((entry for entry in CATALOG if entry.name == bundle.name), None)
    if known is None or bundle.precision != "int8":
        raise EdgeToscaError(
            f"{folder}: only an INT8 bundle of a backbone in edge-tosca export --list can be resized; "
            "export an ONNX file at the other size instead"
        )
    if bundle.graph_files("openvino") != (BACKBONE,):
        raise EdgeToscaError(f"{folder}: has a graph of its own for OpenVINO, which cannot be resized")
    preprocessing = replace(bundle.preprocessing, size=size, crop_pct=crop_pct)
    step(f"building {known.name} at {size} pixels")
    fp32 = graph_of(build_model(replace(known, input_size=size, crop_pct=crop_pct), weights))
    old = bundle.graph_size or bundle.preprocessing.size
    graph = onnx.load_from_string(resized(bundle.read(BACKBONE), bundle.place(BACKBONE), old, size))
    judged = {}
    for what, pictures in (("held_out", held_out), ("reference", reference)):
        if what == "reference" or pictures is not None:
            step(f"comparing with FP32 on the {what.replace('_', '-')} pictures")
            judged[what] = _cosines(graph, fp32, pictures, preprocessing)
    worst = min(judged, key=lambda what: judged[what].cosine_mean)
    found, least = judged[worst], LEAST_MEAN_COSINE[fp32.family]
    if found.cosine_mean < least and not force:
        raise EdgeToscaError(
            f"{bundle.name} at {size} pixels: mean cosine to FP32 {found.cosine_mean:.4f} on {found.data}; "
            f"at least {least} is required; calibrate it at that size, or take it with --force"
        )
    entries = _entries(bundle, preprocessing, graph, judged, worst)
    dropped = bundle.manifest.get(REFERENCE, {}).get("file")
    files = {name: bundle.read(name) for name in bundle.files if name != dropped}
    return write_bundle(out, files, {**entries, GRAPH_SIZE: old}).manifest


def _cosines(
    graph: Any, fp32: BackboneGraph, pictures: Path | None, preprocessing: Preprocessing
) -> Fidelity:
    inputs, data = reference_pictures(pictures, preprocessing)
    return measure_cosines(graph_features(fp32.graph, inputs), graph_features(graph, inputs, [OUTPUT]), data)


def _entries(
    bundle: Bundle,
    preprocessing: Preprocessing,
    graph: Any,
    judged: dict[str, Fidelity],
    worst: str,
) -> dict[str, Any]:
    left_out = ("format", "files", "supersedes", REFERENCE)
    entries = {key: value for key, value in bundle.manifest.items() if key not in left_out}
    golden = record_golden(graph, preprocessing, [part.name for part in bundle.parts])
    fidelity = {what: _entry(found) for what, found in judged.items()}
    main = fidelity.pop("held_out", fidelity["reference"])
    entries |= {
        "name": f"{bundle.name}_{preprocessing.size}",
        "input": input_of(preprocessing),
        "fidelity": {**main, **fidelity, "judged_on": f"{worst.replace('_', '-')} pictures"},
        "golden": [golden_entry(entry) for entry in golden],
    }
    if _MAP in entries:
        shape = list(entries[_MAP]["shape"])
        factor = preprocessing.size / bundle.preprocessing.size
        entries[_MAP] = {**entries[_MAP], "shape": [shape[0], *(round(factor * side) for side in shape[1:])]}
    return entries


def _entry(found: Fidelity) -> dict[str, Any]:
    entry = found.entry()
    return {key: entry[key] for key in ("cosine", "images", "data")}
