"""bench accuracy, bench surroundings and bench uneven: how often answers are right."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.bench_options import Folders, counted, telling
from edge_tosca.cli.terminal import AsJson, BackboneOption, note, progress, say_json, say_lines
from edge_tosca.errors import EdgeToscaError


def accuracy(
    folders: Folders,
    task_size: Annotated[list[int] | None, typer.Option(min=1, help="Classes a task; repeatable.")] = None,
    shots: Annotated[
        list[str] | None, typer.Option(help='Training pictures a class, or "all"; repeatable.')
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Orders and draws of pictures.")] = 1,
    method: Annotated[
        list[str] | None, typer.Option(help="Compare only these; repeatable; all but hindsight by default.")
    ] = None,
    ablation: Annotated[bool, typer.Option("--ablation", help="Switch each part of ours off, too.")] = False,
    sparsity: Annotated[
        bool, typer.Option("--sparsity", help="Weigh a module's bytes against accuracy, too.")
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write table, JSON and plots here.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what DIR has, find what is missing.")
    ] = False,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Compare with other methods on any folders of pictures, one picture at a time."""
    import json
    from dataclasses import asdict

    from edge_tosca.bench import ablation as parts
    from edge_tosca.bench import results as kept
    from edge_tosca.bench import sparsity as zeros
    from edge_tosca.bench.accuracy import compare
    from edge_tosca.bench.data import load_features
    from edge_tosca.bench.plots import draw
    from edge_tosca.bench.table import markdown
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    methods = method or [name for name in kept.METHODS if name != kept.HINDSIGHT]
    if unknown := sorted(set(methods) - set(kept.METHODS)):
        raise EdgeToscaError(f"method {unknown[0]!r} is not known; choose from {', '.join(kept.METHODS)}")
    if resume and out is None:
        raise EdgeToscaError("--resume goes on from the results in --out DIR; name it")
    counts, sizes, step = counted(shots or ["all"]), task_size or [10], telling(as_json)
    vision = FeatureExtractor(backbone)
    with progress("looking") as tell:
        sets = [load_features(folder, vision, tell) for folder in folders]
    about = {
        "backbone": str(vision.fingerprint),
        "sets": {
            data.name: {"train": len(data.train), "test": len(data.test), "split": data.split}
            for data in sets
        },
    }
    comparison = kept.Comparison(about)
    if resume and out is not None:
        comparison = kept.load(out / "accuracy.json", about)
    for found in compare(sets, vision, sizes, counts, seeds, methods, step, comparison):
        comparison = found
        if out is not None:
            kept.save(comparison, out / "accuracy.json")
    report, text = comparison.to_json(), markdown(comparison.results)
    if ablation:
        trials = parts.measure(sets, sizes, counts, seeds, step)
        report["ablation"] = [asdict(trial) for trial in trials]
        text += "\n" + parts.markdown(trials)
    if sparsity:
        points = zeros.measure(sets, sizes, counts, seeds, step)
        report["sparsity"] = [asdict(point) for point in points]
        text += "\n" + zeros.markdown(points)
    if out is not None:
        (out / "accuracy.md").write_text(text, encoding="utf-8")
        (out / "accuracy.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        drawn = draw(comparison, out)
        if sparsity:
            drawn.append(zeros.plot(points, out / "sparsity.png"))
        for path in (out / "accuracy.md", out / "accuracy.json", *drawn):
            note(f"wrote {path}")
    if as_json:
        say_json(report)
    else:
        say_lines(text)


def surroundings(
    folders: Folders,
    task_size: Annotated[int, typer.Option(min=1, help="Classes a task.")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Orders of classes.")] = 1,
    few: Annotated[
        int | None,
        typer.Option(min=1, help="Pictures of a class in the new surroundings; all by default."),
    ] = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Teach known classes again in new surroundings, and measure what the old ones lose."""
    from dataclasses import asdict

    from edge_tosca.bench import surroundings as room
    from edge_tosca.bench.data import load_features
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    vision = FeatureExtractor(backbone)
    with progress("looking") as tell:
        sets = [load_features(folder, vision, tell) for folder in folders]
    steps = room.measure(sets, vision, task_size, seeds, telling(as_json), few)
    if as_json:
        say_json({"steps": [asdict(step) for step in steps]})
    else:
        say_lines(room.markdown(steps))


def uneven(
    folders: Folders,
    few: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Training pictures of every second class; repeatable; 5 and 10 by default."),
    ] = None,
    many: Annotated[str, typer.Option(help='Training pictures of the other classes, or "all".')] = "all",
    task_size: Annotated[int, typer.Option(min=1, help="Classes a task.")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Orders of classes and draws of pictures.")] = 3,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Teach classes of few pictures among classes of many, and compare how each kind fares."""
    from dataclasses import asdict

    from edge_tosca.bench import uneven as room
    from edge_tosca.bench.data import load_features
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    counts, (most,) = few or [5, 10], counted([many], "--many")
    if most is not None and most <= max(counts):
        raise EdgeToscaError(f"--many {most} is not more than --few {max(counts)}; give a greater number")
    vision = FeatureExtractor(backbone)
    with progress("looking") as tell:
        sets = [load_features(folder, vision, tell) for folder in folders]
    trials = room.measure(sets, vision, counts, most, task_size, seeds, telling(as_json))
    if as_json:
        say_json({"trials": [asdict(trial) for trial in trials]})
    else:
        say_lines(room.markdown(trials))
