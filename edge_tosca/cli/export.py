"""The verb export: its options, and the tables it prints."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edge_tosca.cli.terminal import AsJson, fail, note, say, say_json
from edge_tosca.errors import EdgeToscaError, MissingExtraError

if TYPE_CHECKING:
    from edge_tosca.export.graph import BackboneGraph

_ONNX = "Of an ONNX file:"


def export(
    backbone: Annotated[
        str | None,
        typer.Argument(
            metavar="BACKBONE", help="A name of --list, any timm model, FILE.onnx, or the folder of a bundle."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the bundle.")] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show the known backbones with size and speed.")
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="safetensors, or a torch checkpoint.")
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photographs to calibrate INT8 on, in class folders.")
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photographs to evaluate on; a part of --calibration by default."),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Unrelated photographs: INT8 is judged on them, too, and they show where unknown begins. "
            "Without them those of --calibration show it. With a bundle as BACKBONE, add them to it.",
        ),
    ] = None,
    precision: Annotated[Literal["int8", "fp32"], typer.Option(help="Of the exported graph.")] = "int8",
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Try this recipe only (repeatable); 'recorded' for the catalog's. All are tried by default.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Take the best recipe even if none passes the gate.")] = False,
    feature: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"{_ONNX} the tensor that is the embedding.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help=f"{_ONNX} side of its input in pixels.")] = None,
    mean: Annotated[
        str, typer.Option(metavar="R,G,B", help=f"{_ONNX} mean of pixels in 0..1.")
    ] = "0.485,0.456,0.406",
    std: Annotated[
        str, typer.Option(metavar="R,G,B", help=f"{_ONNX} their deviation.")
    ] = "0.229,0.224,0.225",
    interpolation: Annotated[str, typer.Option(help=f"{_ONNX} how pictures are resized.")] = "bicubic",
    crop: Annotated[float, typer.Option(help=f"{_ONNX} input side over resized shorter side.")] = 0.875,
    as_json: AsJson = False,
) -> None:
    """Make a backbone bundle on a workstation."""
    if show_list:
        _show_catalog(as_json)
        return
    if backbone is None or out is None:
        fail("export needs a BACKBONE and --out DIR, or --list", code=2)
    on_step = None if as_json else lambda step: note(f"  {step}")
    options: dict[str, Any] = {
        "calibration": calibration,
        "held_out": held_out,
        "reference": reference,
        "precision": precision,
        "recipes": tuple(recipe or ()),
        "force": force,
        "on_step": on_step,
    }
    try:
        if _is_bundle(backbone):
            if reference is None:
                raise EdgeToscaError(f"{backbone} is a bundle; give the pictures to add with --reference DIR")
            manifest = _add_references(Path(backbone), reference, out, on_step)
        elif backbone.lower().endswith(".onnx"):
            from edge_tosca.export import export_onnx

            given = _read_file(Path(backbone), weights, feature, size, mean, std, interpolation, crop)
            manifest = export_onnx(given, out, **options)
        else:
            from edge_tosca.export import export_backbone

            if feature is not None or size is not None:
                raise EdgeToscaError(
                    f"{backbone}: --feature and --size are for an ONNX file; timm knows its own"
                )
            manifest = export_backbone(backbone, out, weights=weights, **options)
        pictures = reference or calibration
        if pictures is not None and not _is_bundle(backbone):
            manifest = _add_references(out, pictures, out, on_step)
    except ModuleNotFoundError as error:
        raise MissingExtraError(error.name or "a package", "export") from None
    if as_json:
        say_json(manifest)
        return
    if "search" in manifest:
        _show_search(manifest["search"])
    cosine = manifest["fidelity"]["cosine"]["mean"]
    faithful = f", mean cosine to FP32 {cosine:.4f}" if manifest["precision"] == "int8" else ""
    own = "openvino/backbone.xml" in manifest["files"]
    beside = ", with a separate graph for OpenVINO" if own else ""
    about = f"{manifest['name']}, {manifest['precision']}, {manifest['feature_dim']} features"
    images = manifest["reference"]["images"] if "reference" in manifest else 0
    references = f", {images} reference pictures" if images else ", no reference pictures (--reference DIR)"
    say(f"{out}: {about}{faithful}{beside}{references}")


def _is_bundle(backbone: str) -> bool:
    return (Path(backbone) / "manifest.json").is_file()


def _add_references(
    folder: Path, pictures: Path, out: Path, on_step: Callable[[str], None] | None
) -> dict[str, Any]:
    from edge_tosca.export.references import add_references

    if on_step is not None:
        on_step("computing the features of the reference pictures")
    return add_references(folder, pictures, out)


def _read_file(
    path: Path,
    weights: Path | None,
    feature: str | None,
    size: int | None,
    mean: str,
    std: str,
    interpolation: str,
    crop: float,
) -> "BackboneGraph":
    from edge_tosca.export.onnx_file import load_onnx
    from edge_tosca.runtime.preprocess import INTERPOLATIONS, Preprocessing

    if weights is not None:
        raise EdgeToscaError(f"{path}: an ONNX file contains its weights; omit --weights")
    if feature is None or size is None:
        raise EdgeToscaError(
            f"{path}: name its embedding with --feature NAME and its input side with --size N"
        )
    if interpolation not in INTERPOLATIONS:
        raise EdgeToscaError(
            f"--interpolation {interpolation}: choose from {', '.join(sorted(INTERPOLATIONS))}"
        )
    if not 0 < crop <= 1:
        raise EdgeToscaError(f"--crop {crop}: give a number above 0 and at most 1")
    spread = _three(std, "--std")
    if min(spread) <= 0:
        raise EdgeToscaError(f"--std {std}: give numbers above 0")
    return load_onnx(path, feature, Preprocessing(size, _three(mean, "--mean"), spread, interpolation, crop))


def _three(text: str, option: str) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        raise EdgeToscaError(f"{option} {text}: give three numbers such as 0.5,0.5,0.5") from None
    return red, green, blue


def _show_search(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{found['images']} held-out pictures, one thread", box=None, title_justify="left")
    kinds = ("nearest mean", "probe")
    for title in ("recipe", "in", "ms", "x FP32", "MB", "cosine", "p1", "least", "other", "p1", *kinds, ""):
        table.add_column(title, justify="left" if title in ("recipe", "in", "") else "right")
    fp32 = found["fp32"]
    table.add_row("FP32", "onnxruntime", f"{fp32['milliseconds']:.1f}", "1.0", f"{fp32['bytes'] / 1e6:.1f}")
    for trial in found["trials"]:
        verdict = "chosen" if trial["chosen"] else "passes"
        if trial["fault"]:
            verdict = f"{trial['fault']}{' (forced)' if trial['chosen'] else ''}"
        table.add_row(trial["recipe"], trial["runtime"], *_numbers(trial), verdict)
    # A table with wrapped figures cannot be read: a narrow terminal breaks the lines instead.
    console = Console(highlight=False)
    console.width = max(console.width, 148)
    console.print(table)


def _numbers(trial: dict[str, Any]) -> list[str]:
    if trial["cosine"] is None:
        return [""] * 10
    accuracies = []
    for kind in ("nearest_mean_accuracy", "linear_probe_accuracy"):
        fp32, int8 = trial[kind]["fp32"], trial[kind]["int8"]
        accuracies.append("" if fp32 is None else f"{100 * fp32:.1f} > {100 * int8:.1f}")
    cosines = [f"{trial['cosine'][key]:.4f}" for key in ("mean", "p1", "min")]
    others = trial["reference_cosine"]
    cosines += ["", ""] if others is None else [f"{others[key]:.4f}" for key in ("mean", "p1")]
    speed = [f"{trial['milliseconds']:.1f}", f"{trial['speedup']:.2f}", f"{trial['bytes'] / 1e6:.1f}"]
    return [*speed, *cosines, *accuracies]


def _show_catalog(as_json: bool) -> None:
    from dataclasses import asdict

    from edge_tosca.export.catalog import CATALOG, MEASURED_ON

    if as_json:
        backbones = [{**asdict(known), "weights": known.origin} for known in CATALOG]
        say_json({"measured_on": MEASURED_ON, "backbones": backbones})
        return
    form = "{:<35}{:>7}{:>9}{:>8}{:>7}{:>7}{:>7}{:>7}"
    say(form.format("", "pixels", "feature", "million", "INT8", "ms", "ms", "ms in"))
    say(form.format("", "", "", "param.", "MB", "FP32", "INT8", "OpenV."))
    for known in CATALOG:
        speed = known.speed
        times = ("-" if time is None else f"{time:.1f}" for time in (speed.fp32, speed.int8, speed.openvino))
        size = f"{known.int8_bytes / 1e6:.1f}" if known.int8_bytes else "-"
        name = known.name + ("" if speed.trained else " *")
        say(
            form.format(
                name, known.input_size, known.feature_dim, f"{known.parameters / 1e6:.1f}", size, *times
            )
        )
        say(f"  {known.feature}; {known.licence}; weights: {known.origin}")
    say(f"{MEASURED_ON}.")
    say("-: not measured.  *: measured on random weights, which show speed but not fidelity.")
    say("Any other timm model works by its timm name, and any FILE.onnx that computes an embedding.")
