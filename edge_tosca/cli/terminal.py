"""What the verbs share: common options, printing, and progress."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from edge_tosca.addresses import without_addresses
from edge_tosca.cli.output import is_unicode, write
from edge_tosca.errors import printable
from edge_tosca.outcomes import Outcomes

if TYPE_CHECKING:
    from rich.console import Console

Runtime = Literal["onnxruntime", "openvino"]
Device = Literal["CPU", "GPU", "NPU", "AUTO"]

StorePath = Annotated[Path, typer.Argument(metavar="STORE", help="The learner's file.", show_default=False)]
KeyFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="The key of an encrypted store, if it is not in EDGE_TOSCA_KEY or a systemd credential.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RuntimeOption = Annotated[
    Runtime | None, typer.Option("--runtime", help="What runs the backbone; the store's own by default.")
]
DeviceOption = Annotated[
    Device | None, typer.Option("--device", help="On what it runs; the store's own by default.")
]
FollowLinksOption = Annotated[
    bool, typer.Option("--follow-links", help="Take links to pictures and folders elsewhere, too.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the backbone.")]
NewClassOption = Annotated[
    bool,
    typer.Option("--new-class", help="The name is meant, though it looks like a known one (case, letters)."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print sizes of modules and where the time went, too.")
]
BackboneOption = Annotated[
    Path | None,
    typer.Option(
        "--backbone",
        metavar="fast|accurate|DIR",
        help="A built-in bundle (fast by default: 224 pixels; accurate: 288) or the folder of another.",
    ),
]


def say(text: str = "") -> None:
    """Print a line of the answer.

    Args:
        text: the line. Line ends and control characters in names from outside are printed as escapes, so that
            no name can pass for a line of the program.
    """
    write(printable(text) + "\n")


def say_outcomes(*found: tuple[str, Outcomes | None]) -> None:
    """Print what a user would see for the held-out pictures of some classes, a line each.

    Args:
        found: words for the classes, and their outcomes; None where no picture was held out.
    """
    for name, outcomes in found:
        if outcomes is not None:
            say(f"    {name}: {outcomes} ({counted(outcomes.images, 'picture')})")
    if not any(outcomes for _, outcomes in found):
        say("    too few pictures")


def say_lines(text: str) -> None:
    """Print several lines of the answer, such as a table.

    Args:
        text: lines of the program; control characters in each are printed as escapes.
    """
    for line in text.splitlines():
        say(line)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line.

    Args:
        value: anything that JSON can represent.
    """
    text = json.dumps(value, ensure_ascii=not is_unicode(), default=str)
    # A file name that is not valid text holds a surrogate for each such byte: JSON can only escape it.
    write(text.encode(errors="backslashreplace").decode() + "\n")


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun in the singular or plural.

    Args:
        number: how many.
        one: the singular.
        several: the plural; the singular with an s by default.

    Returns:
        "1 class" or "2 classes".
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def note(text: str) -> None:
    """Print a line on stderr about the work in progress.

    Args:
        text: the line; it is not wrapped, since it may name a path.
    """
    _stderr().print(text, markup=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print an error in one line on stderr and exit.

    Args:
        message: what is wrong and what to do.
        code: the exit code.
    """
    line = " ".join(without_addresses(message, sys.argv[1:]).splitlines())
    sys.stderr.write(f"edge-tosca: {printable(line)}\n")
    sys.exit(code)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar while the block runs, on a terminal only.

    Args:
        what: a word for the work.

    Yields:
        A function to call with the number done and the total.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    stderr = _stderr()
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Show one progress bar after the other while the block runs, on a terminal only.

    Yields:
        A function to call with the name of the stage, the number done and the total; 0 for a total that is
        not known.
    """
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    stderr = _stderr()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counted]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        shown: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in shown:
                for earlier in shown.values():
                    bar.update(earlier, visible=False)
                shown[stage] = bar.add_task(stage, total=total or None, counted="")
            words = f"{done}/{total}" if total else ""
            bar.update(shown[stage], completed=done, counted=words)

        yield show


def confirmed(question: str) -> bool:
    """Ask a question on a terminal; elsewhere, where nobody could answer it, do not ask.

    Args:
        question: without the words for yes and no.

    Returns:
        Whether the answer was yes, or nobody was asked.
    """
    # One of the two may lead into a file.
    shown = next((stream for stream in (sys.stderr, sys.stdout) if stream.isatty()), None)
    if sys.stdin is None or not sys.stdin.isatty() or shown is None:
        return True
    shown.write(f"{printable(question)} [y/N] ")
    shown.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@cache
def _stderr() -> "Console":
    from rich.console import Console

    return Console(stderr=True, highlight=False)
