"""The verbs that change a store: init, learn, forget, rename, rollback."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_tosca.cli.none_of_these import learn_none_and_report
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
    StorePath,
    ThreadsOption,
    counted,
    fail,
    note,
    progress,
    say,
    say_json,
    say_outcomes,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import LearnError, StoreError
from edge_tosca.labels import similar_label
from edge_tosca.results import LearnReport, Skipped

if TYPE_CHECKING:
    from edge_tosca.store.state import Generation

change_verbs = Verbs()

NewClassOption = Annotated[
    bool,
    typer.Option("--new-class", help="The name is meant, though it looks like a known one (case, letters)."),
]

_SUSPECTS_SHOWN = 10


@change_verbs.command()
def init(
    store: StorePath,
    backbone: BackboneOption = None,
    router: Annotated[str, typer.Option(help='"fused", or "entropy" for the paper\'s rule.')] = "fused",
    refused: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="Share of pictures of known classes that may be called unknown."),
    ] = 0.05,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Largest file; cached features are thinned to stay within.")
    ] = None,
    runtime: Annotated[Runtime, typer.Option(help="What runs the backbone.")] = "onnxruntime",
    device: Annotated[Device, typer.Option(help="On what it runs.")] = "CPU",
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Leave an existing store as it is; for services.")
    ] = False,
    group_access: Annotated[
        bool,
        typer.Option("--group-access", help="Let the file's group read and change it too (mode 0660)."),
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Create a learner without any class."""
    from edge_tosca.learner.learner import Learner
    from edge_tosca.store.store import Store

    if if_missing:
        with contextlib.suppress(StoreError):
            Store.open(store, key_file).close()
            return
    learner = Learner.create(
        store,
        backbone,
        router=router,
        refused=refused,
        max_bytes=max_bytes,
        runtime=runtime,
        device=device,
        key_file=key_file,
        group_access=group_access,
    )
    origin = learner.store.settings["origin"]
    if as_json:
        say_json({"store": str(store), "backbone": origin, "router": router})
    else:
        say(f"{store} is ready: {origin}. Teach it with: edge-tosca learn {store} FOLDER")


@change_verbs.command()
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
        learn_none_and_report(learner, none, remember, as_json, part)
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
    with progress("learning") as on_progress:
        report = learner.learn(
            source,
            task,
            force=force,
            new_class=new_class,
            remember=remember,
            passed_over=passed_over,
            follow_links=follow_links,
            on_progress=on_progress,
            region=part,
        )
    if force and not new_class:
        _warn_of_similar(report.classes, learner.state.labels)
    if as_json:
        say_json(report.to_json())
    else:
        _describe(report, store, alone=report.alone(learner.state.labels))
    if report.generation is None:
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


@change_verbs.command()
def forget(
    store: StorePath,
    label: Annotated[str | None, typer.Argument(metavar="CLASS")] = None,
    none: Annotated[
        bool, typer.Option("--none", help="The pictures of none of the classes, in place of a class.")
    ] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="Erase it in the copies that are known, too.")
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Erase a class for good; no rollback brings it back."""
    from edge_tosca.cli.forget import forget_and_report

    if none == (label is not None):
        raise typer.BadParameter("name one class, or give --none")
    forget_and_report(store, label, backups, key_file, as_json)


@change_verbs.command()
def rename(
    store: StorePath,
    label: Annotated[str, typer.Argument(metavar="CLASS")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    merge: Annotated[
        bool, typer.Option("--merge", help="NEW is an existing class; the two become one.")
    ] = False,
    new_class: NewClassOption = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Rename a class, or merge it into another; the modules stay as they are."""
    from edge_tosca.learner.learner import Learner

    generation = Learner.open(store, key_file=key_file).rename(label, new, merge=merge, new_class=new_class)
    if as_json:
        say_json({"generation": generation, "class": new, "before": label})
    else:
        say(f"{label} is now {new} (generation {generation}).")


@change_verbs.command()
def rollback(
    store: StorePath,
    generation: Annotated[
        int | None, typer.Argument(help="The one before the current one by default.")
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Restore the classes of an earlier generation; classes forgotten since stay forgotten."""
    from edge_tosca.learner.learner import Learner

    learner = Learner.open(store, key_file=key_file)
    new = learner.rollback(generation)
    history = learner.history()
    target = history[-1].parent
    classes = list(learner.state.labels)
    forgotten = _forgotten([entry for entry in history if entry.number > target], classes)
    if as_json:
        say_json({"generation": new, "restored": target, "classes": classes, "forgotten": forgotten})
    else:
        without = f" without those forgotten since ({', '.join(forgotten)})" if forgotten else ""
        say(
            f"Generation {new} has the classes of generation {target}{without}: "
            f"{', '.join(classes) or 'no class'}."
        )


def _forgotten(entries: "Sequence[Generation]", classes: Sequence[str]) -> list[str]:
    reported = [entry.report.get("classes") for entry in entries if entry.command == "forget"]
    labels = {str(label) for found in reported if isinstance(found, list) for label in found}
    return sorted(labels.difference(classes))


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


def _describe(report: LearnReport, store: Path, alone: bool) -> None:
    gate, seconds, module = report.gate, report.seconds, report.module
    done = "Rejected" if report.generation is None else "Learned"
    say(f"{done} {', '.join(report.classes)} from {counted(report.images, 'picture')} ({report.task}).")
    say(
        f"  {seconds['total']:.2f} s: features {seconds['features']:.2f}, "
        f"training {seconds['train']:.2f}, storing {seconds['commit']:.2f}"
    )
    say(
        f"  module {module.digest[:12]}: {module.nonzero:,} of {module.parameters:,} parameters are nonzero, "
        f"{module.bytes / 1000:.0f} kB{'' if module.cross_fitted else '; the router decides'}"
    )
    if alone:
        only = report.classes[0]
        say(f"  {gate.verdict}: accuracy not measured: {only} is the only class; teach a second one")
    else:
        say(f"  {gate.verdict}; on held-out pictures:")
        say_outcomes(
            ("new classes", gate.outcomes_new),
            ("old classes before", gate.outcomes_old_before),
            ("old classes now", gate.outcomes_old_after),
        )
    for reason in gate.reasons:
        say(f"  {gate.verdict}: {reason}")
    for sentence in gate.advice:
        say(f"  advice: {sentence}")
    for confusion in gate.confusions:
        times = "once" if confusion.count == 1 else f"{confusion.count} times"
        say(f"  {confusion.truth} was predicted as {confusion.answer} {times}")
    for suspect in gate.suspects[:_SUSPECTS_SHOWN]:
        say(f"  check {suspect.path}: {suspect.reason}")
    if len(gate.suspects) > _SUSPECTS_SHOWN:
        say(f"  and {len(gate.suspects) - _SUSPECTS_SHOWN} more pictures, which --json lists")
    if report.thinned and report.generation is not None:
        say(
            f"  {counted(report.thinned, 'cached feature')} deleted to stay within the size limit; "
            f"shrink the file with: edge-tosca store compact {store}"
        )
    for skipped in report.skipped:
        say(f"  skipped {skipped.path}: {skipped.reason}")
    for noted in report.notes:
        say(f"  note {noted.path}: {noted.note}")
