"""The verbs that only read a store: evaluate, classes, history."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_tosca.cli.regions import RegionOption, parsed_region
from edge_tosca.cli.rounding import rounded
from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    FollowLinksOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    VerboseOption,
    counted,
    progress,
    say,
    say_json,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.results import Evaluation

read_verbs = Verbs()


@read_verbs.command()
def evaluate(
    store: StorePath,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="FOLDER/CLASS/*.jpg")],
    unknown: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Further pictures, of what was never taught."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with tables, charts and pictures here.")
    ] = None,
    region: RegionOption = None,
    follow_links: FollowLinksOption = False,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Count how labelled pictures are named, one at a time: right, wrong, or unknown."""
    from edge_tosca.learner.evaluation_report import require_writable, write_report
    from edge_tosca.learner.learner import Learner
    from edge_tosca.vision.small_jpeg import thumbnail

    part = parsed_region(region)
    learner = Learner.open(
        store, runtime=runtime, device=device, threads=threads, hint="THROUGHPUT", key_file=key_file
    )
    if report is not None:
        require_writable(report)
    with progress("classifying") as on_progress:
        result = learner.evaluate(
            folder, on_progress, unknown=unknown, follow_links=follow_links, region=part
        )
    if as_json:
        say_json(rounded(result.to_json()))
    else:
        _describe(result)
    # Last, so that the figures are printed even if the disk is full.
    if report is not None:
        write_report(result, report, thumbnail)


@read_verbs.command()
def classes(
    store: StorePath,
    key_file: KeyFileOption = None,
    verbose: VerboseOption = False,
    as_json: AsJson = False,
) -> None:
    """List the classes; the modules with --verbose and --json."""
    from edge_tosca.learner.learner import Learner
    from edge_tosca.tosca.task_module import Module

    learner = Learner.open(store, key_file=key_file)
    state = learner.state
    known: list[dict[str, Any]] = [
        {"label": group.label, "task": task.name, "images": group.images, "learned_at": task.learned_at}
        for task in state.tasks
        for group in task.groups
    ]
    modules: list[dict[str, Any]] = []
    for task in state.tasks:
        data = learner.store.module(task.module)
        module = Module.from_bytes(data)
        modules.append(
            {
                "digest": task.module,
                "task": task.name,
                "classes": [group.label for group in task.groups],
                "parameters": module.size,
                "nonzero": module.nonzero,
                "bytes": len(data),
            }
        )
    if as_json:
        none = {
            "images": sum(group.images for group in state.none_groups),
            "lessons": [
                {"images": group.images, "learned_at": task.learned_at}
                for task in state.none
                for group in task.groups
            ],
        }
        say_json({"generation": state.generation, "classes": known, "modules": modules, "none": none})
        return
    classes = counted(len(state.labels), "class", "classes")
    say(f"Generation {state.generation}: {classes} in {counted(len(state.tasks), 'task')}")
    for entry in known:
        pictures = counted(entry["images"], "picture")
        say(f"  {entry['label']}  ({pictures}, {entry['task']}, {entry['learned_at'][:10]})")
    for task in state.none:
        pictures = counted(sum(group.images for group in task.groups), "picture")
        say(f"  none of these: {pictures}, {task.learned_at[:10]}")
    for entry in modules if verbose else ():
        share = 1 - entry["nonzero"] / entry["parameters"]
        size = f"{entry['bytes'] / 1000:.0f} kB, {share:.1%} zeros"
        say(f"  module {entry['digest'][:12]}: {entry['task']}, {size}")


@read_verbs.command()
def history(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """List every change, the oldest first; times are UTC."""
    from edge_tosca.learner.learner import Learner

    generations = Learner.open(store, key_file=key_file).history()
    if as_json:
        say_json({"generations": [asdict(generation) for generation in generations]})
        return
    for entry in generations:
        labels = entry.report.get("classes")
        about = ", ".join(str(label) for label in labels) if isinstance(labels, Iterable) else ""
        if entry.command == "rollback":
            about = f"to generation {entry.parent}"
        elif "none" in entry.report:
            about = "none of these"
        elif "before" in entry.report:
            about = f"{entry.report['before']} -> {about}"
        who = f"  {entry.by.get('user')}@{entry.by.get('host')}" if entry.by else ""
        gate = entry.report.get("gate")
        verdict = f"  ({gate['verdict']})" if isinstance(gate, dict) else ""
        say(f"{entry.number:5d}  {entry.made_at[:19]} UTC{who}  {entry.command:8}  {about}{verdict}")
    if not generations:
        say("Nothing has been learned yet.")


def _describe(result: Evaluation) -> None:
    say(f"{counted(result.images, 'picture')}, each on its own ({result.seconds:.1f} s)")
    for kind, words in (
        ("named_right", "named right"),
        ("named_wrong", "named wrong"),
        ("unknown", "called unknown"),
    ):
        count = result.counts[kind]
        say(f"  {count / result.images:7.1%}  {words} ({count}; {_interval(result, kind)})")
    if result.strangers_unknown_rate is not None:
        say(
            f"{result.strangers_unknown_rate:.1%} of {counted(result.strangers, 'picture')} of what was "
            f"never taught were called unknown ({_interval(result, 'strangers_unknown_rate')})"
        )
    say("by class: right, wrong, unknown")
    for label, found in sorted(result.by_class.items(), key=lambda pair: pair[1].named_right):
        shares = (found.named_right, found.named_wrong, found.unknown)
        say("".join(f" {share:7.1%}" for share in shares) + f"  {label} ({found.images})")
    for skipped in result.skipped:
        say(f"skipped {skipped.path}: {skipped.reason}")
    for noted in result.notes:
        say(f"note {noted.path}: {noted.note}")


def _interval(result: Evaluation, kind: str) -> str:
    low, high = result.interval[kind]
    return f"95 % interval {low:.1%} to {high:.1%}"
