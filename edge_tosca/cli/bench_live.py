"""The verb bench live."""

import json
from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, note, progress, say_json, say_lines


def live(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="FOLDER/CLASS/*.jpg")],
    seconds: Annotated[float, typer.Option(min=20, help="Of measuring.")] = 360.0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write table, JSON and plot here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure live answers through `edge-tosca serve` while another client teaches, and its memory."""
    from edge_tosca.bench.live import measure
    from edge_tosca.bench.live_report import markdown, plot
    from edge_tosca.learner.evaluation import require_writable

    if out is not None:
        require_writable(out)
    with progress("watching") as on_progress:
        run = measure(folder, seconds, on_progress)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "live.md").write_text(markdown(run) + "\n", encoding="utf-8")
        (out / "live.json").write_text(json.dumps(run.to_json()) + "\n", encoding="utf-8")
        note(f"wrote live.md, live.json and {plot(run, out / 'live.png')}")
    if as_json:
        say_json(run.to_json())
    else:
        say_lines(markdown(run))
