"""The verb bench accuracy."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.bench_moved import ACCURACY_OPTIONS, moved, moved_option
from edge_tosca.cli.bench_options import Folders, counted, step_notes
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
        list[str] | None, typer.Option(help="Compare only these; repeatable; all by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write table, JSON and plots here.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the results in DIR, and compute the missing ones.")
    ] = False,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
    ablation: Annotated[
        bool, typer.Option("--ablation", hidden=True, is_eager=True, callback=moved_option)
    ] = False,
    sparsity: Annotated[
        bool, typer.Option("--sparsity", hidden=True, is_eager=True, callback=moved_option)
    ] = False,
) -> None:
    """Compare with other methods on any folders of pictures, one picture at a time."""
    import json

    from edge_tosca.bench import results as kept
    from edge_tosca.bench.accuracy import compare
    from edge_tosca.bench.data import load_features
    from edge_tosca.bench.plots import draw
    from edge_tosca.bench.table import markdown
    from edge_tosca.learner.evaluation import require_writable
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    if out is not None:
        require_writable(out)
    methods = method or list(kept.METHODS)
    for name in methods:
        if benchmark := ACCURACY_OPTIONS.get(f"--method {name}"):
            moved(f"bench accuracy --method {name}", benchmark)
    if unknown := sorted(set(methods) - set(kept.METHODS)):
        raise EdgeToscaError(f"method {unknown[0]!r} is not known; choose from {', '.join(kept.METHODS)}")
    if resume and out is None:
        raise EdgeToscaError("--resume goes on from the results in --out DIR; name it")
    counts, sizes = counted(shots or ["all"]), task_size or [10]
    vision = FeatureExtractor(backbone)
    with progress("embedding") as on_progress:
        sets = [load_features(folder, vision, on_progress) for folder in folders]
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
    for found in compare(sets, vision, sizes, counts, seeds, methods, step_notes(as_json), comparison):
        comparison = found
        if out is not None:
            kept.save(comparison, out / "accuracy.json")
    report, text = comparison.to_json(), markdown(comparison.results)
    if out is not None:
        (out / "accuracy.md").write_text(text, encoding="utf-8")
        (out / "accuracy.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        for path in (out / "accuracy.md", out / "accuracy.json", *draw(comparison, out)):
            note(f"wrote {path}")
    if as_json:
        say_json(report)
    else:
        say_lines(text)
