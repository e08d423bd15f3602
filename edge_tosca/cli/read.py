"""The verbs that only read a store: predict, evaluate, classes, history."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_tosca.cli.regions import RegionOption, parsed_region
from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    FollowLinksOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    counted,
    progress,
    say,
    say_json,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import LearnError, PictureError, printable
from edge_tosca.results import Answer, Evaluation, Skipped

read_verbs = Verbs()


@read_verbs.command()
def predict(
    store: StorePath,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Pictures, or folders of pictures.")],
    top: Annotated[int, typer.Option(min=1, help="Number of classes to list.")] = 3,
    burst: Annotated[
        bool, typer.Option("--burst", help="All pictures show one object; wrong for different objects.")
    ] = False,
    coverage: Annotated[
        float | None,
        typer.Option(
            help="Print a set of labels that contains the true one with this probability, such as 0.9."
        ),
    ] = None,
    region: RegionOption = None,
    follow_links: FollowLinksOption = False,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Classify pictures, each on its own."""
    from edge_tosca.learner.learner import Learner

    if burst and coverage is not None:
        raise LearnError("--coverage is calibrated for single pictures; leave out --burst")
    part = parsed_region(region)
    learner = Learner.open(store, runtime=runtime, device=device, threads=threads, key_file=key_file)
    pictures, passed_over = _pictures(paths, follow_links)
    for entry in passed_over:
        _print_skipped(entry, as_json)
    if burst:
        unread: list[Skipped] = []
        answer = learner.predict_burst(pictures, top, unread.append, part)
        for skipped in unread:
            _print_skipped(skipped, as_json)
        if as_json:
            missing = {skipped.path for skipped in unread}
            seen = [str(path) for path in pictures if str(path) not in missing]
            say_json({"paths": seen, **_answer_json(answer)})
        else:
            say(f"{counted(len(pictures) - len(unread), 'view')}: {_answer_text(answer)}")
        if unread or passed_over:
            raise typer.Exit(1)
        return
    failed = bool(passed_over)
    answers = learner.predict_many(pictures, top, coverage=coverage, region=part)
    for path, result in zip(pictures, answers, strict=True):
        if isinstance(result, Skipped):
            failed = True
            _print_skipped(Skipped(str(path), result.reason), as_json)
        elif as_json:
            say_json({"path": str(path), **_answer_json(result)})
        else:
            say(f"{path}: {_answer_text(result)}")
    if failed:
        raise typer.Exit(1)


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
        say_json(result.to_json())
    else:
        _describe(result)
    # Last, so that the figures are printed even if the disk is full.
    if report is not None:
        write_report(result, report, thumbnail)


@read_verbs.command()
def classes(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """List the classes and the modules."""
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
    for entry in modules:
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


def _pictures(paths: list[Path], follow_links: bool) -> tuple[list[Path], list[Skipped]]:
    """List the named pictures; and pictures in folders that are not taken, and folders without any."""
    from edge_tosca.runtime import list_pictures

    pictures: list[Path] = []
    others: list[Skipped] = []
    for path in paths:
        if not _is_folder(path):
            pictures.append(path)
            continue
        found = list_pictures(path, follow_links=follow_links)
        pictures += found.pictures
        # What is no picture is no question: a text among pictures is not answered.
        others += [Skipped(str(one.path), one.reason) for one in found.passed_over if one.picture]
        if not found.pictures:
            reason = "name pictures or folders of pictures"
            if found.passed_over:
                reason = f"{found.passed_over[0].path.name}: {found.passed_over[0].reason}"
            others.append(Skipped(str(path), f"holds no picture; {reason}"))
    if not pictures:
        raise PictureError(f"{others[-1].path} {others[-1].reason}")
    return pictures, others


def _is_folder(path: Path) -> bool:
    # A path that the system rejects is reported with its picture, and the others are answered.
    try:
        return path.is_dir()
    except OSError:
        return False


def _print_skipped(skipped: Skipped, as_json: bool) -> None:
    if as_json:
        say_json({"path": skipped.path, "error": skipped.reason})
    else:
        # The reason begins with the file's name, which several folders may have.
        reason = skipped.reason.removeprefix(f"{printable(Path(skipped.path).name)}: ")
        typer.echo(f"edge-tosca: {printable(f'{skipped.path}: {reason}')}", err=True)


def _answer_json(answer: Answer) -> dict[str, Any]:
    fields = asdict(answer)
    return {key: value for key, value in fields.items() if value is not None or key not in ("set", "note")}


def _answer_text(answer: Answer) -> str:
    guesses = ", ".join(f"{guess.label} {guess.probability:.0%}" for guess in answer.top[1:])
    sure = f"unknown {answer.unknown_probability:.0%}; most like " if answer.unknown else ""
    one_of = f"  one of: {', '.join(answer.set)}" if answer.set is not None else ""
    others = f"  (or {guesses})" if guesses else ""
    noted = f"  note: {answer.note}" if answer.note is not None else ""
    return f"{sure}{answer.label} {answer.probability:.0%}{others}{one_of}{noted}"
