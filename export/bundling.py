"""Assemble the files and the manifest of a backbone's bundle."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tosca.digests import sha256
from edge_tosca.export.bundle_writer import write_bundle
from edge_tosca.export.candidate import OPENVINO_MODEL
from edge_tosca.export.fidelity import Fidelity
from edge_tosca.export.golden import record_golden
from edge_tosca.export.graph import OUTPUT, BackboneGraph
from edge_tosca.export.levels import Levels, add_levels, entries_of, find_levels, has_levels
from edge_tosca.export.licence_notice import notice
from edge_tosca.export.search import Search, Trial
from edge_tosca.runtime.golden import golden_entry
from edge_tosca.runtime.manifest import BACKBONE, input_of

if TYPE_CHECKING:
    import onnx


def write_found(out: Path, fp32: BackboneGraph, found: Search, calibration: dict[str, Any]) -> dict[str, Any]:
    """Write the bundle of the recipes that a search chose.

    Args:
        out: the bundle's folder.
        fp32: the backbone, which stays FP32 for ONNX Runtime where no recipe was chosen for it.
        found: result of the search.
        calibration: the manifest's entry: number of pictures and names of the data sets.

    Returns:
        The manifest.
    """
    import onnx

    chosen = {trial.runs_in: trial for trial in found.chosen}
    graph, report = fp32.graph, unquantized()
    files = {BACKBONE: graph.SerializeToString()}
    if (trial := chosen.get("onnxruntime")) is not None and trial.quantized is not None:
        files = dict(trial.quantized.files)
        graph, report = onnx.load_from_string(files[BACKBONE]), _report(trial, calibration)
    if (trial := chosen.get("openvino")) is not None and trial.quantized is not None:
        report["openvino"] = _report(trial, calibration)
        if OPENVINO_MODEL in trial.quantized.files:
            files |= trial.quantized.files
        elif trial.quantized.files[BACKBONE] != files[BACKBONE]:
            files |= trial.quantized.for_openvino()
    report["search"] = found.entry()
    return write_graph(out, fp32, files, graph, report)


def _report(trial: Trial, calibration: dict[str, Any]) -> dict[str, Any]:
    if trial.quantized is None or trial.fidelity is None:
        raise AssertionError("a trial that failed is never chosen")
    tool = "nncf" if trial.recipe.tool.startswith("nncf") else "onnxruntime"
    quantization = {
        **quantization_of(tool, trial.recipe.text),
        "name": trial.recipe.name,
        "calibration": calibration,
    }
    if trial.quantized.ranges is not None:
        quantization["ranges"] = trial.quantized.ranges
    fidelity = trial.fidelity.entry()
    if trial.reference is not None:
        cosines = trial.reference.entry()
        worse = "reference" if trial.judged is trial.reference else "held-out"
        fidelity["reference"] = {key: cosines[key] for key in ("cosine", "images", "data")}
        fidelity["judged_on"] = f"{worse} pictures"
    return {"quantization": quantization, "fidelity": fidelity}


def write_graph(
    out: Path,
    fp32: BackboneGraph,
    files: dict[str, bytes],
    graph: "onnx.ModelProto",
    report: dict[str, Any],
) -> dict[str, Any]:
    """Write a bundle; the graph gets its levels as further outputs.

    Args:
        out: its folder.
        fp32: the original backbone.
        files: path inside the bundle -> bytes.
        graph: the content of ``backbone.onnx`` among them; its golden features are recorded.
        report: the manifest's entries ``quantization``, ``fidelity`` and more.

    Returns:
        The manifest.
    """
    # A second graph for OpenVINO would need the same outputs.
    levels = Levels() if OPENVINO_MODEL in files else find_levels(fp32.graph, fp32.family)
    levels = levels if has_levels(graph, levels) else Levels()
    # What a store has as its backbone that was made before the levels were added.
    old = sha256(files[BACKBONE])
    graph = add_levels(graph, levels)
    if levels.levels:
        files = {**files, BACKBONE: graph.SerializeToString()}
    outputs = [OUTPUT, *(level.part.name for level in levels.levels)]
    golden = record_golden(graph, fp32.preprocessing, outputs)
    precision = "fp32" if report["quantization"]["tool"] == "none" else "int8"
    entries = {
        "name": fp32.name,
        "feature_dim": len(golden[0].feature),
        "precision": precision,
        "input": input_of(fp32.preprocessing),
        "licence": fp32.licence,
        "source": fp32.source,
        **report,
        **entries_of(levels, len(golden[0].feature) - sum(level.part.width for level in levels.levels)),
        **({"supersedes": [old]} if levels.levels else {}),
        "golden": [golden_entry(entry) for entry in golden],
    }
    files = {**files, "LICENSE": notice(fp32, precision).encode()}
    return write_bundle(out, files, entries).manifest


def unquantized() -> dict[str, Any]:
    """Return the manifest's entries for an FP32 graph."""
    same = Fidelity(1.0, 1.0, 1.0, None, None, images=0, data="none: the graph is FP32")
    return {"quantization": {"tool": "none", "version": "", "recipe": "none"}, "fidelity": same.entry()}


def quantization_of(tool: str, recipe: str) -> dict[str, Any]:
    """Return the manifest's ``quantization`` entry: tool, version, recipe, and the exporting packages."""
    tools = {name: version(name) for name in ("torch", "timm", "onnx")}
    return {"tool": tool, "version": version(tool), "recipe": recipe, "exported_with": tools}
