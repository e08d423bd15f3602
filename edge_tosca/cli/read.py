"""The verbs that only read a store: predict, evaluate, classes, history."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    counted,
    progress,
    say,
    say_json,
)
from edge_tosca.errors import LearnError, PictureError, printable
from edge_tosca.learner.evaluation import require_place, write_report
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer, Evaluation, Skipped
from edge_tosca.tosca.task_module import Module

ask = typer.Typer()


@ask.command()
def predict(
    store: StorePath,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders of pictures.")],
    top: Annotated[int, typer.Option(min=1, help="Number of guesses.")] = 3,
    burst: Annotated[
        bool, typer.Option("--burst", help="All pictures show one object; wrong for different objects.")
    ] = False,
    coverage: Annotated[
        float | None,
        typer.Option(help="Give a set of labels that holds the truth with this probability, such as 0.9."),
    ] = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: AsJson = False,
) -> None:
    """Say what pictures show, each on its own."""
    learner = Learner.open(store, runtime=runtime, device=device, threads=threads)
    pictures, empty = _pictures(paths)
    if burst and coverage is not None:
        raise LearnError("--coverage is calibrated for single pictures; leave out --burst")
    for folder in empty:
        _tell_skipped(folder, as_json)
    if burst:
        unread: list[Skipped] = []
        answer = learner.predict_burst(pictures, top, unread.append)
        for skipped in unread:
            _tell_skipped(skipped, as_json)
        if as_json:
            missing = {skipped.path for skipped in unread}
            seen = [str(path) for path in pictures if str(path) not in missing]
            say_json({"paths": seen, **_answer_json(answer)})
        else:
            say(f"{counted(len(pictures) - len(unread), 'view')}: {_answer_text(answer, learner)}")
        if unread or empty:
            raise typer.Exit(1)
        return
    failed = bool(empty)
    for path, result in zip(pictures, learner.predict_many(pictures, top, coverage=coverage), strict=True):
        if isinstance(result, Skipped):
            failed = True
            _tell_skipped(Skipped(str(path), result.reason), as_json)
        elif as_json:
            say_json({"path": str(path), **_answer_json(result)})
        else:
            say(f"{path}: {_answer_text(result, learner)}")
    if failed:
        raise typer.Exit(1)


@ask.command()
def evaluate(
    store: StorePath,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="FOLDER/CLASS/*.jpg")],
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the figures here.")] = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure accuracy on labelled pictures, one at a time."""
    learner = Learner.open(store, runtime=runtime, device=device, threads=threads, hint="THROUGHPUT")
    if report is not None:
        require_place(report)
    with progress("looking") as tell:
        result = learner.evaluate(folder, tell)
    if as_json:
        say_json(result.to_json())
    else:
        _describe(result)
    # At the end: a disk that is full by then takes no figure with it.
    if report is not None:
        write_report(result, report)


@ask.command()
def classes(store: StorePath, as_json: AsJson = False) -> None:
    """List what is known."""
    learner = Learner.open(store)
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
        say_json({"generation": state.generation, "classes": known, "modules": modules})
        return
    classes = counted(len(state.labels), "class", "classes")
    say(f"Generation {state.generation}: {classes} in {counted(len(state.tasks), 'task')}")
    for entry in known:
        pictures = counted(entry["images"], "picture")
        say(f"  {entry['label']}  ({pictures}, {entry['task']}, {entry['learned_at'][:10]})")
    for entry in modules:
        share = 1 - entry["nonzero"] / entry["parameters"]
        size = f"{entry['bytes'] / 1000:.0f} kB, {share:.1%} zeros"
        say(f"  module {entry['digest'][:12]}: {entry['task']}, {size}")


@ask.command()
def history(store: StorePath, as_json: AsJson = False) -> None:
    """List every change, the oldest first; times are UTC."""
    generations = Learner.open(store).history()
    if as_json:
        say_json({"generations": [asdict(generation) for generation in generations]})
        return
    for entry in generations:
        taught = entry.report.get("classes")
        about = ", ".join(str(label) for label in taught) if isinstance(taught, Iterable) else ""
        if entry.command == "rollback":
            about = f"to generation {entry.parent}"
        elif "before" in entry.report:
            about = f"{entry.report['before']} -> {about}"
        who = f"  {entry.by.get('user')}@{entry.by.get('host')}" if entry.by else ""
        said = entry.report.get("gate")
        verdict = f"  ({said['verdict']})" if isinstance(said, dict) else ""
        say(f"{entry.number:5d}  {entry.made_at[:19]} UTC{who}  {entry.command:8}  {about}{verdict}")
    if not generations:
        say("Nothing was learned yet.")


def _describe(result: Evaluation) -> None:
    asked = counted(result.images, "picture")
    say(f"{result.accuracy:.1%} of {asked} right, each on its own ({result.seconds:.1f} s)")
    for label, accuracy in sorted(result.per_class.items(), key=lambda pair: pair[1]):
        say(f"  {accuracy:7.1%}  {label}")
    say(f"{result.unknown_rate:.1%} of them were called unknown")
    if result.strangers_unknown_rate is not None:
        say(
            f"{counted(result.strangers, 'picture')} of classes never taught: "
            f"{result.strangers_unknown_rate:.1%} were called unknown"
        )
    for skipped in result.skipped:
        say(f"skipped {skipped.path}: {skipped.reason}")


def _pictures(paths: list[Path]) -> tuple[list[Path], list[Skipped]]:
    """List the pictures that were named, and the folders that hold none."""
    from edge_tosca.runtime import find_pictures

    pictures: list[Path] = []
    empty: list[Skipped] = []
    for path in paths:
        found = find_pictures(path) if _is_folder(path) else [path]
        pictures += found
        if not found:
            empty.append(Skipped(str(path), "holds no picture; name pictures or folders of pictures"))
    if not pictures:
        raise PictureError(f"{empty[0].path} {empty[0].reason}")
    return pictures, empty


def _is_folder(path: Path) -> bool:
    # A path that the system does not take is told with the picture, and the others are answered.
    try:
        return path.is_dir()
    except OSError:
        return False


def _tell_skipped(skipped: Skipped, as_json: bool) -> None:
    if as_json:
        say_json({"path": skipped.path, "error": skipped.reason})
    else:
        # The reason begins with the file's name, which several folders may have.
        reason = skipped.reason.removeprefix(f"{printable(Path(skipped.path).name)}: ")
        typer.echo(f"edge-tosca: {printable(f'{skipped.path}: {reason}')}", err=True)


def _answer_json(answer: Answer) -> dict[str, Any]:
    fields = asdict(answer)
    if answer.set is None:
        del fields["set"]
    return fields


def _answer_text(answer: Answer, learner: Learner) -> str:
    # How sure an answer is tells it from other classes: where there is none, every picture would be "100%".
    share = f" {answer.confidence:.0%}" if len(learner.state.labels) > 1 else ""
    guesses = ", ".join(f"{guess.label} {guess.confidence:.0%}" for guess in answer.top[1:])
    sure = "unknown; most like " if answer.unknown else ""
    one_of = f"  one of: {', '.join(answer.set)}" if answer.set is not None else ""
    return f"{sure}{answer.label}{share}" + (f"  (or {guesses})" if guesses else "") + one_of
