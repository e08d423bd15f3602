"""The verbs that change a store: init, learn, forget, rename, rollback."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_tosca.cli.terminal import (
    AsJson,
    BackboneOption,
    Device,
    DeviceOption,
    Runtime,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    counted,
    fail,
    progress,
    say,
    say_json,
)
from edge_tosca.errors import LearnError, StoreError
from edge_tosca.learner.learner import Learner
from edge_tosca.results import LearnReport, Skipped
from edge_tosca.store.state import Generation
from edge_tosca.store.store import Store

teach = typer.Typer()

_SUSPECTS_SHOWN = 10


@teach.command()
def init(
    store: StorePath,
    backbone: BackboneOption = None,
    router: Annotated[str, typer.Option(help='"fused", or "entropy" for the paper\'s rule.')] = "fused",
    refused: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of known pictures that may be called unknown.")
    ] = 0.05,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Thin cached features rather than grow beyond.")
    ] = None,
    runtime: Annotated[Runtime, typer.Option(help="What runs the backbone.")] = "onnxruntime",
    device: Annotated[Device, typer.Option(help="On what it runs.")] = "CPU",
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Leave a store that is there as it is; for services.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a learner that knows nothing yet."""
    if if_missing:
        with contextlib.suppress(StoreError):
            Store.open(store).close()
            return
    learner = Learner.create(
        store,
        backbone,
        router=router,
        refused=refused,
        max_bytes=max_bytes,
        runtime=runtime,
        device=device,
    )
    origin = learner.store.settings["origin"]
    if as_json:
        say_json({"store": str(store), "backbone": origin, "router": router})
    else:
        say(f"{store} is ready: {origin}. Teach it with: edge-tosca learn {store} FOLDER")


@teach.command()
def learn(
    store: StorePath,
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER | IMAGE...", help="FOLDER/CLASS/*.jpg, or pictures with --class."),
    ],
    task: Annotated[str | None, typer.Option(help="Name of the task.")] = None,
    label: Annotated[str | None, typer.Option("--class", metavar="NAME", help="Learn one class.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Keep it even if the quality gate rejects it.")
    ] = False,
    remember: Annotated[
        bool, typer.Option("--remember", help="Keep the pictures' paths, for a later `migrate`.")
    ] = False,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: AsJson = False,
) -> None:
    """Learn new classes, or known classes in new surroundings: one task, one module."""
    learner = Learner.open(store, runtime=runtime, device=device, threads=threads, hint="THROUGHPUT")
    source: Any
    passed_over = None
    if label is not None:
        pictures, skipped = _pictures(paths)
        source, passed_over = {label: pictures}, {label: skipped}
    elif len(paths) == 1:
        source = paths[0]
    else:
        raise typer.BadParameter("name one folder of class folders, or give --class NAME with the pictures")
    with progress("learning") as tell:
        report = learner.learn(
            source, task, force=force, remember=remember, passed_over=passed_over, on_progress=tell
        )
    if as_json:
        say_json(report.to_json())
    else:
        _describe(report, store, alone=report.alone(learner.state.labels))
    if report.generation is None:
        fail(f"{store}: the quality gate rejected this, and nothing was kept; --force keeps it all the same")


@teach.command()
def forget(
    store: StorePath,
    label: Annotated[str, typer.Argument(metavar="CLASS")],
    as_json: AsJson = False,
) -> None:
    """Erase a class for good; no rollback brings it back."""
    generation = Learner.open(store).forget(label)
    if as_json:
        say_json({"generation": generation, "forgotten": label})
    else:
        say(f"{label} is forgotten and erased from {store} (generation {generation}).")


@teach.command()
def rename(
    store: StorePath,
    label: Annotated[str, typer.Argument(metavar="CLASS")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    merge: Annotated[bool, typer.Option("--merge", help="NEW is another class; the two become one.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a class another name, or make one class of two; the modules stay as they are."""
    generation = Learner.open(store).rename(label, new, merge=merge)
    if as_json:
        say_json({"generation": generation, "class": new, "before": label})
    else:
        say(f"{label} is {new} now (generation {generation}).")


@teach.command()
def rollback(
    store: StorePath,
    generation: Annotated[int | None, typer.Argument(help="The one before the live one by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Go back to what an earlier generation knew; classes forgotten since stay forgotten."""
    learner = Learner.open(store)
    new = learner.rollback(generation)
    history = learner.history()
    target = history[-1].parent
    classes = list(learner.state.labels)
    forgotten = _forgotten([entry for entry in history if entry.number > target], classes)
    if as_json:
        say_json({"generation": new, "restored": target, "classes": classes, "forgotten": forgotten})
    else:
        but = f", but for what was forgotten since ({', '.join(forgotten)})" if forgotten else ""
        say(f"Generation {new} knows what generation {target} knew{but}: {', '.join(classes) or 'no class'}.")


def _forgotten(entries: Sequence[Generation], classes: Sequence[str]) -> list[str]:
    taken = [entry.report.get("classes") for entry in entries if entry.command == "forget"]
    labels = {str(label) for found in taken if isinstance(found, list) for label in found}
    return sorted(labels.difference(classes))


def _pictures(paths: list[Path]) -> tuple[list[Path], list[Skipped]]:
    from edge_tosca.runtime import list_pictures

    pictures: list[Path] = []
    skipped: list[Skipped] = []
    for path in paths:
        if path.is_dir():
            found = list_pictures(path)
            pictures += found.pictures
            skipped += [Skipped(str(other), why) for other, why in found.passed_over]
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
        f"training {seconds['train']:.2f}, filing {seconds['commit']:.2f}"
    )
    say(
        f"  module {module.digest[:12]}: {module.nonzero:,} of {module.parameters:,} numbers are not zero, "
        f"{module.bytes / 1000:.0f} kB"
    )
    shares = (
        ("new classes", gate.accuracy_new),
        ("old classes before", gate.accuracy_old_before),
        ("old classes now", gate.accuracy_old_after),
    )
    known = ", ".join(f"{name} {share:.0%}" for name, share in shares if share is not None)
    if alone:
        found = f"nothing to tell {report.classes[0]} from yet; teach a second class"
    else:
        found = f"right on pictures left out of training: {known or 'too few pictures to tell'}"
    say(f"  {gate.verdict}: {found}")
    for reason in gate.reasons:
        say(f"  {gate.verdict}: {reason}")
    for sentence in gate.advice:
        say(f"  advice: {sentence}")
    for confusion in gate.confusions:
        times = "once" if confusion.count == 1 else f"{confusion.count} times"
        say(f"  {confusion.truth} was taken for {confusion.answer} {times}")
    for suspect in gate.suspects[:_SUSPECTS_SHOWN]:
        say(f"  look at {suspect.path}: {suspect.reason}")
    if len(gate.suspects) > _SUSPECTS_SHOWN:
        say(f"  and at {len(gate.suspects) - _SUSPECTS_SHOWN} more pictures, which --json lists")
    if report.thinned and report.generation is not None:
        say(
            f"  {counted(report.thinned, 'cached feature')} gave way to the limit of size; shrink the file "
            f"with: edge-tosca store compact {store}"
        )
    for skipped in report.skipped:
        say(f"  skipped {skipped.path}: {skipped.reason}")
