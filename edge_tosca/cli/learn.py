"""The verb `learn`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

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
from edge_tosca.errors import LearnError
from edge_tosca.labels import similar_label
from edge_tosca.results import Skipped

learn_verb = Verbs()


@learn_verb.command()
def learn(
    store: StorePath,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FOLDER | IMAGE...", help="FOLDER/CLASS/*.jpg, or pictures with --class."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Name of the task.")] = None,
    label: Annotated[str | None, typer.Option("--class", metavar="NAME", help="Learn one class.")] = None,
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

    if none is not None and (paths or label or task):
        raise typer.BadParameter(
            "--none takes one folder, and no class; teach classes in a call of their own"
        )
    if none is None and not paths:
        raise typer.BadParameter("name one folder of class folders, or give --class NAME with the pictures")
    part = parsed_region(region)
    learner = Learner.open(
        store, runtime=runtime, device=device, threads=threads, hint="THROUGHPUT", key_file=key_file
    )
    if none is not None:
        learn_none_and_report(learner, none, remember, as_json, part, dry_run=dry_run, verbose=verbose)
        return
    source: Any
    passed_over = None
    paths = paths or []
    if label is not None:
        pictures, skipped = _pictures(paths, follow_links)
        source, passed_over = {label: pictures}, {label: skipped}
    elif len(paths) == 1:
        source = paths[0]
    else:
        raise typer.BadParameter("name one folder of class folders, or give --class NAME with the pictures")
    with stages() as on_stage:
        report = learner.learn(
            source,
            task,
            force=force,
            new_class=new_class,
            remember=remember,
            passed_over=passed_over,
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


def _pictures(paths: list[Path], follow_links: bool) -> tuple[list[Path], list[Skipped]]:
    from edge_tosca.runtime import list_pictures

    pictures: list[Path] = []
    skipped: list[Skipped] = []
    for path in paths:
        if path.is_dir():
            found = list_pictures(path, follow_links=follow_links)
            pictures += found.pictures
            skipped += [Skipped(str(other.path), other.reason) for other in found.passed_over]
        elif path.exists():
            pictures.append(path)
        else:
            raise LearnError(f"{path} does not exist; name pictures or folders of pictures")
    return pictures, skipped
