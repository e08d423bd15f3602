"""The verbs around a store: export, embed, doctor, demo."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.export import export
from edge_tosca.cli.regions import RegionOption, parsed_region
from edge_tosca.cli.terminal import (
    AsJson,
    BackboneOption,
    Device,
    DeviceOption,
    FollowLinksOption,
    KeyFileOption,
    Runtime,
    RuntimeOption,
    ThreadsOption,
    fail,
    progress,
    say,
    say_json,
    say_lines,
)
from edge_tosca.cli.verbs import Verbs

tool_verbs = Verbs()


tool_verbs.command()(export)


@tool_verbs.command()
def embed(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="FOLDER/CLASS/*.jpg")],
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="Where the features go.")],
    region: RegionOption = None,
    follow_links: FollowLinksOption = False,
    backbone: BackboneOption = None,
    runtime: Annotated[Runtime, typer.Option(help="What runs the backbone.")] = "onnxruntime",
    device: Annotated[Device, typer.Option(help="On what it runs.")] = "CPU",
    threads: ThreadsOption = None,
    as_json: AsJson = False,
) -> None:
    """Compute the features of a folder of class folders, for other programs."""
    from edge_tosca.vision.embedding import embed_folder
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    part = parsed_region(region)
    vision = FeatureExtractor(backbone, runtime, device, threads, "THROUGHPUT")
    with progress("extracting") as on_progress:
        result = embed_folder(folder, out, vision, on_progress, follow_links=follow_links, region=part)
    if as_json:
        say_json(result.to_json())
        return
    say(f"{out}: {result.images} features of {result.classes} classes, {result.feature_dim} numbers each")
    for skipped in result.skipped:
        say(f"skipped {skipped.path}: {skipped.reason}")
    for noted in result.notes:
        say(f"note {noted.path}: {noted.note}")


@tool_verbs.command()
def doctor(
    store: Annotated[Path | None, typer.Argument(metavar="[STORE]", help="A learner's file.")] = None,
    backbone: BackboneOption = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Check this device: packages, processor, memory, disk, runtimes, backbone, temperature, store."""
    import platform
    from datetime import UTC, datetime

    from edge_tosca.devices.doctor import examine
    from edge_tosca.devices.report import format_findings

    findings = examine(store, backbone, runtime, device, threads, key_file=key_file)
    failed = [finding for finding in findings if not finding.ok]
    if as_json:
        about = {"host": platform.node(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
        say_json({"ok": not failed, **about, "findings": [finding.to_json() for finding in findings]})
    else:
        say_lines(format_findings(findings))
    if failed:
        fail(f"{len(failed)} of {len(findings)} checks failed")


@tool_verbs.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where pictures, store and plot go.")] = Path(
        "edge-tosca-demo"
    ),
    as_json: AsJson = False,
) -> None:
    """Watch a device learn handwritten digits, meet new ones and learn those."""
    from edge_tosca.demo.run import run_demo

    report = run_demo(out, (lambda _: None) if as_json else say)
    if as_json:
        say_json(report.to_json())
