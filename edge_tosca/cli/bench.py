"""The verb bench: comparisons and measurements."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, BackboneOption, messages, progress, say, say_json
from edge_tosca.errors import EdgeToscaError

bench = typer.Typer()
measures = typer.Typer(name="bench", help="Measure accuracy and speed.", no_args_is_help=True)
bench.add_typer(measures)


@measures.callback()
def _group() -> None:
    """Keep `accuracy` a verb of its own while it is the only one."""


@measures.command()
def accuracy(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER...", help="Sets: class folders, or train and test folders of them."),
    ],
    task_size: Annotated[list[int] | None, typer.Option(min=1, help="Classes a task; repeatable.")] = None,
    shots: Annotated[
        list[str] | None, typer.Option(help='Training pictures a class, or "all"; repeatable.')
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Orders and draws of pictures.")] = 1,
    method: Annotated[list[str] | None, typer.Option(help="Compare only these; repeatable.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write table, JSON and plots here.")] = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Compare with other methods on any folders of pictures, one picture at a time."""
    from dataclasses import asdict

    from edge_tosca.bench.accuracy import METHODS, compare
    from edge_tosca.bench.data import load_features
    from edge_tosca.bench.table import markdown, write
    from edge_tosca.vision import Vision

    methods = method or list(METHODS)
    if unknown := sorted(set(methods) - set(METHODS)):
        raise EdgeToscaError(f"method {unknown[0]!r} is not known; choose from {', '.join(METHODS)}")
    try:
        counts = [None if shot == "all" else int(shot) for shot in shots or ["all"]]
    except ValueError:
        raise EdgeToscaError('--shots takes a whole number or "all"') from None
    if any(count is not None and count < 1 for count in counts):
        raise EdgeToscaError('--shots takes a number of at least 1 or "all"')
    vision = Vision(backbone)
    with progress("looking") as tell:
        sets = [load_features(folder, vision, tell) for folder in folders]
    comparison = compare(
        sets,
        vision,
        task_size or [10],
        counts,
        seeds,
        methods,
        lambda step: None if as_json else messages.print(step, markup=False),
    )
    about = {
        "backbone": str(vision.fingerprint),
        "sets": {
            data.name: {"train": len(data.train), "test": len(data.test), "split": data.split}
            for data in sets
        },
    }
    if out is not None:
        for path in write(comparison, about, out):
            messages.print(f"wrote {path}", markup=False)
    if as_json:
        say_json({"about": about, "results": [asdict(result) for result in comparison.results]})
    else:
        say(markdown(comparison.results))
