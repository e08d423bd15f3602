"""The verb bench: comparisons and measurements."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.bench_accuracy import accuracy, surroundings, uneven
from edge_tosca.cli.bench_live import live
from edge_tosca.cli.bench_options import Folders, counted, telling
from edge_tosca.cli.terminal import AsJson, BackboneOption, note, progress, say, say_json, say_lines
from edge_tosca.errors import EdgeToscaError

bench = typer.Typer()
measures = typer.Typer(name="bench", help="Measure accuracy and speed.", no_args_is_help=True)
bench.add_typer(measures)


measures.command()(accuracy)
measures.command()(surroundings)
measures.command()(uneven)
measures.command()(live)


@measures.command()
def unknowns(
    folders: Folders,
    shots: Annotated[
        list[str] | None, typer.Option(help='Training pictures a class, or "all"; repeatable.')
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of left-out classes and pictures.")] = 3,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Deal train and test pictures anew, at random, first.")
    ] = False,
    left_out: Annotated[
        bool, typer.Option("--left-out", help="Place the threshold by pictures left out in other ways, too.")
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write tables, JSON and plot here.")] = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well classes never taught are called unknown, beside other scores."""
    from dataclasses import asdict

    from edge_tosca.bench import refused
    from edge_tosca.bench import unknowns as room
    from edge_tosca.bench.data import load_features
    from edge_tosca.bench.unknowns_table import markdown, write
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    counts = counted(shots or ["5", "20", "all"])
    vision = FeatureExtractor(backbone)
    with progress("looking") as tell:
        sets = [load_features(folder, vision, tell) for folder in folders]
    if mixed:
        sets = [room.mixed(data) for data in sets]
    measured = room.measure(sets, vision, counts, seeds, telling(as_json))
    shares = refused.measure(sets, counts, seeds, telling(as_json)) if left_out else []
    about = {"backbone": str(vision.fingerprint), "sets": {data.name: data.split for data in sets}}
    if out is not None:
        for path in write(measured, about, out):
            note(f"wrote {path}")
    if as_json:
        trials, ways = ([asdict(one) for one in many] for many in (measured.trials, shares))
        say_json({"about": about, "trials": trials, "left_out": ways})
    else:
        say_lines(markdown(measured.trials) + ("\n" + refused.markdown(shares) if shares else ""))


@measures.command()
def burst(
    folders: Folders,
    shots: Annotated[str, typer.Option(help='Training pictures a class, or "all".')] = "20",
    seeds: Annotated[int, typer.Option(min=1, help="Draws of training pictures.")] = 3,
    pictures: Annotated[int, typer.Option(min=1, help="Test photographs of each set, at most.")] = 150,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write table and JSON here.")] = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what 1, 3, 5 and 9 frames of one object give, and frames of different objects take."""
    import json
    from dataclasses import asdict

    from edge_tosca.bench import burst as room
    from edge_tosca.bench.data import load_features
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    (count,) = counted([shots])
    vision = FeatureExtractor(backbone)
    with progress("looking") as tell:
        sets = [load_features(folder, vision, tell) for folder in folders]
    results = room.measure(sets, vision, count, seeds, pictures, telling(as_json))
    about = {"backbone": str(vision.fingerprint), "sets": {data.name: data.split for data in sets}}
    report = {"about": about, "results": [asdict(result) for result in results]}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "burst.md").write_text(room.markdown(results), encoding="utf-8")
        (out / "burst.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        note(f"wrote {out / 'burst.md'} and burst.json")
    if as_json:
        say_json(report)
    else:
        say_lines(room.markdown(results))


@measures.command()
def speed(
    classes: Annotated[int, typer.Option(min=1, help="Classes of the large learner.")] = 1000,
    modules: Annotated[int, typer.Option(min=3, help="Modules, one a task.")] = 100,
    quick: Annotated[bool, typer.Option("--quick", help="Leave the large learner out.")] = False,
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
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    if classes < 2 * modules:
        raise EdgeToscaError(f"{classes} classes are too few for {modules} modules; give two a module")
    vision = FeatureExtractor(backbone, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        with progress("measuring") as tell:
            parts = measure_pipeline(vision, Path(folder), tell, fp32, photographs)
        report, text = {"pipeline": parts.to_json()}, markdown(parts)
        if not quick:
            with progress("learning") as tell:
                growth = measure_speed(classes, modules, vision, Path(folder), tell)
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


@measures.command()
def decoding(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Large JPEG photographs.")],
    sides: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="WIDTH HEIGHT", help="Crop and resample each to this first."),
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEG after that.")] = 90,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what decoding large JPEG files scaled spares, and what it does to their features."""
    from dataclasses import asdict

    from edge_tosca.bench.decoding import markdown, measure_decoding
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    with progress("decoding") as tell:
        found = measure_decoding(folder, FeatureExtractor(backbone, threads=1), tell, sides, quality)
    if as_json:
        say_json({"photographs": [asdict(row) for row in found]})
    else:
        say_lines(markdown(found))


@measures.command()
def readers(
    seconds: Annotated[float, typer.Option(min=1, help="Of timing, for each of the three.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Measure how long answers take while another process teaches the same store."""
    from dataclasses import asdict

    from edge_tosca.bench import readers as room

    found = room.measure(seconds)
    if as_json:
        say_json({**asdict(found), "ratio": found.ratio})
        return
    for name in ("quiet", "busy", "taught"):
        some = getattr(found, name)
        say(
            f"{name:8} {some.answers} answers: median {some.median:.2f} ms, 99 % within {some.p99:.2f} ms, "
            f"longest {some.longest:.1f} ms"
        )
    say(f"{found.generations} generations committed meanwhile, {found.noticed} of them answered from")
