"""The verb `learn`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.lesson_paths import find_lesson, require_usage
from edge_tosca.cli.lesson_report import describe_lesson
from edge_tosca.cli.none_of_these import learn_none_and_report
from edge_tosca.cli.regions import RegionOption, parsed_region
from edge_tosca.cli.rounding import rounded
from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    FollowLinksOption,
    KeyFileOption,
    NewClassOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    VerboseOption,
    fail,
    note,
    say_json,
    stages,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.labels import similar_label

learn_verb = Verbs()


@learn_verb.command()
def learn(
    store: StorePath,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER | FILE...",
            help="FOLDER/CLASS/*.jpg, the same as .zip, a project of Teachable Machine, JSON of COCO or "
            "Label Studio, or pictures with --class; - for standard input.",
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Name of the task.")] = None,
    label: Annotated[str | None, typer.Option("--class", metavar="NAME", help="Learn one class.")] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE.csv", help="A list of pictures: one line path,class each."),
    ] = None,
    none: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Pictures of none of the classes: the empty belt, hands, surroundings."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Store the task even if the quality gate rejects it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the report, and keep nothing.")] = False,
    new_class: NewClassOption = False,
    remember: Annotated[
        bool, typer.Option("--remember", help="Store the pictures' paths, for a later `migrate`.")
    ] = False,
    region: RegionOption = None,
    follow_links: FollowLinksOption = False,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
    verbose: VerboseOption = False,
    as_json: AsJson = False,
) -> None:
    """Learn new classes, or known classes in a new domain: one task, one module."""
    from edge_tosca.learner.learner import Learner

    if none is not None and (paths or label or task or listed):
        raise typer.BadParameter(
            "--none takes one folder, and no class; teach classes in a call of their own"
        )
    if none is None:
        require_usage(paths or [], label, listed)
    part = parsed_region(region)
    learner = Learner.open(
        store, runtime=runtime, device=device, threads=threads, hint="THROUGHPUT", key_file=key_file
    )
    if none is not None:
        learn_none_and_report(learner, none, remember, as_json, part, dry_run=dry_run, verbose=verbose)
        return
    found = find_lesson(paths or [], label, listed, follow_links)
    with stages() as on_stage:
        report = learner.learn(
            found.source,
            task,
            force=force,
            new_class=new_class,
            remember=remember,
            passed_over=found.passed_over,
            follow_links=follow_links,
            region=part,
            dry_run=dry_run,
            on_stage=on_stage,
        )
    if force and not new_class:
        _warn_of_similar(report.classes, learner.state.labels)
    if as_json:
        say_json(rounded(report.to_json()))
    else:
        describe_lesson(report, store, report.alone(learner.state.labels), verbose)
    if report.generation is None and not dry_run:
        fail(
            f"{store}: the quality gate rejected this task, and nothing was stored; --force stores it anyway"
        )


def _warn_of_similar(taught: Sequence[str], known: Sequence[str]) -> None:
    for label in taught:
        likely = similar_label(label, known)
        if likely is not None:
            note(
                f"warning: class {label!r} looks like {likely!r}; if they are one class, join them with: "
                "edge-tosca rename --merge"
            )
