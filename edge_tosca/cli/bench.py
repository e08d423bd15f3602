"""The verb bench: measurements of accuracy and speed on the user's own machine and pictures."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.bench_accuracy import accuracy
from edge_tosca.cli.bench_live import live
from edge_tosca.cli.bench_moved import add_moved_verbs
from edge_tosca.cli.terminal import AsJson, BackboneOption, note, progress, say_json, say_lines
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import EdgeToscaError

bench = typer.Typer()
measures = Verbs(name="bench", help="Measure accuracy and speed.", no_args_is_help=True)
bench.add_typer(measures)


measures.command()(accuracy)
measures.command()(live)
add_moved_verbs(measures)


@measures.command()
def speed(
    classes: Annotated[int, typer.Option(min=1, help="Classes of the large learner.")] = 1000,
    modules: Annotated[int, typer.Option(min=3, help="Modules, one a task.")] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Skip the large learner.")] = False,
    fp32: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The same backbone in FP32, to compare with.")
    ] = None,
    photographs: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Pictures to measure an answer's parts on.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write table, JSON and plot here.")] = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what answering and learning cost: each part, and as a learner grows, on one thread."""
    import json
    import tempfile

    from edge_tosca.bench.pipeline import measure_pipeline
    from edge_tosca.bench.pipeline_table import markdown, plot
    from edge_tosca.bench.speed import measure_speed
    from edge_tosca.bench.speed_table import table
    from edge_tosca.learner.evaluation import require_writable
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    if out is not None:
        require_writable(out)
    if classes < 2 * modules:
        raise EdgeToscaError(f"{classes} classes are too few for {modules} modules; give two a module")
    vision = FeatureExtractor(backbone, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        with progress("measuring") as on_progress:
            parts = measure_pipeline(vision, Path(folder), on_progress, fp32, photographs)
        report, text = {"pipeline": parts.to_json()}, markdown(parts)
        if not quick:
            with progress("learning") as on_progress:
                growth = measure_speed(classes, modules, vision, Path(folder), on_progress)
            report, text = {**growth.to_json(), **report}, f"{text}\n\n{table(growth)}"
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "speed.md").write_text(text + "\n", encoding="utf-8")
        (out / "speed.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        note(f"wrote speed.md, speed.json and {plot(parts, out / 'speed.png')}")
    if as_json:
        say_json(report)
    else:
        say_lines(text)
