"""What every verb shares: its options, how it prints, and how it shows progress."""

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_tosca.cli.output import speaks_unicode, write
from edge_tosca.errors import printable

app = typer.Typer(
    name="edge-tosca",
    help="Teach a camera new classes on the device itself. Nothing leaves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WrongUsage = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What Typer raises when words or options do not fit a verb. It names only this one kind of it, and where the
others are depends on its version."""

Runtime = Literal["onnxruntime", "openvino"]
Device = Literal["CPU", "GPU", "NPU", "AUTO"]

StorePath = Annotated[Path, typer.Argument(metavar="STORE", help="The learner's file.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RuntimeOption = Annotated[
    Runtime | None, typer.Option("--runtime", help="What runs the backbone; the store's own by default.")
]
DeviceOption = Annotated[
    Device | None, typer.Option("--device", help="On what it runs; the store's own by default.")
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the backbone.")]
BackboneOption = Annotated[
    Path | None,
    typer.Option("--backbone", metavar="DIR", help="A backbone bundle; the built-in one by default."),
]

messages = Console(stderr=True, highlight=False)


def say(text: str = "") -> None:
    """Print a line of the answer.

    Args:
        text: the line; line ends and control characters in names from outside are shown as escapes, so that
            no name passes for a line of ours.
    """
    write(printable(text) + "\n")


def say_lines(text: str) -> None:
    """Print a page of the answer, a table for example.

    Args:
        text: lines of ours; in each, control characters are shown as escapes.
    """
    for line in text.splitlines():
        say(line)


def say_json(value: dict[str, Any]) -> None:
    """Print one JSON object on one line.

    Args:
        value: anything JSON can hold.
    """
    text = json.dumps(value, ensure_ascii=not speaks_unicode(), default=str)
    # A name of bytes that are no text is one surrogate a byte, which JSON can only tell as an escape.
    write(text.encode(errors="backslashreplace").decode() + "\n")


def counted(number: int, one: str, several: str = "") -> str:
    """Give a number and what it counts.

    Args:
        number: how many.
        one: what a single one is called.
        several: what several are called; with an s by default.

    Returns:
        "1 class" or "2 classes".
    """
    return f"{number} {one if number == 1 else several or one + 's'}"


def note(text: str) -> None:
    """Tell on stderr what is done meanwhile.

    Args:
        text: a line; it is not wrapped, since it may name a path.
    """
    messages.print(text, markup=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Tell an error in one line and stop.

    Args:
        message: what is wrong and what to do.
        code: of the exit.
    """
    line = " ".join(message.splitlines())
    sys.stderr.write(f"edge-tosca: {printable(line)}\n")
    sys.exit(code)


def fail_usage(error: Any) -> NoReturn:
    """Tell wrong usage in one line, and where the right one is shown.

    Args:
        error: a WrongUsage.
    """
    message = error.format_message()
    # Without any word the help is the answer, and has been printed.
    if not message:
        sys.exit(error.exit_code)
    if re.match(r"No such option: -[^-]", message):
        message += " (names that begin with a dash go after --)"
    stop = "" if message.endswith((".", "?")) else "."
    verb = error.ctx.command_path if error.ctx else app.info.name
    fail(f"{message}{stop} See: {verb} --help", error.exit_code)


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar while a long piece of work runs, on a terminal only.

    Args:
        what: a word for the work.

    Yields:
        To be called with the number done and the number in all.
    """
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
