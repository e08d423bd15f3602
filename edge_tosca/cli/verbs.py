"""The program and its verbs: how a verb is run, the program's own options, and wrong usage."""

import difflib
import re
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, TypeVar, cast

import typer
from typer.core import TyperCommand

from edge_tosca.cli.terminal import fail, say
from edge_tosca.version import __version__

PROGRAM = "edge-tosca"

WrongUsage = cast("type[Exception]", typer.BadParameter.__mro__[1])
"""What Typer raises when words or options do not fit a verb. BadParameter is the only kind of it that Typer
exports, and where the others are defined depends on its version."""

_Run = TypeVar("_Run", bound=Callable[..., Any])

_NO_SUCH_COMMAND = re.compile(r"No such command '([^']+)'")


class Interrupted(BaseException):
    """Ctrl-C. Typer ends without a message on a KeyboardInterrupt."""


class Verb(TyperCommand):
    """A command that runs on one BLAS thread.

    NumPy is imported when the command runs, after its words were parsed: help, completion and wrong usage do
    without.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the verb.

        Args:
            ctx: Typer's context.
            args: the words.

        Returns:
            Those that are left.

        Raises:
            WrongUsage: they do not fit; it names the verb, as that of an option without its value does not.
        """
        try:
            return super().parse_args(ctx, args)
        except WrongUsage as error:
            known = cast(Any, error)
            known.ctx = known.ctx or ctx
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Args:
            ctx: Typer's context.
        """
        from edge_tosca.system.blas import one_blas_thread

        with one_blas_thread():
            # Nothing was begun until here, where Ctrl-C ended the process without a message.
            signal.signal(signal.SIGINT, _interrupt)
            return super().invoke(ctx)


class Verbs(typer.Typer):
    """A Typer app whose commands are verbs."""

    def command(self, *args: Any, **settings: Any) -> Callable[[_Run], _Run]:
        """Return a decorator that makes a function a verb.

        Args:
            *args: as for Typer's own `command`.
            **settings: likewise.
        """
        return super().command(*args, **{"cls": Verb, **settings})


app = Verbs(
    name=PROGRAM,
    help="Teach a camera new classes on the device itself. Nothing leaves it.",
    context_settings={"help_option_names": ["--help", "-h"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(context: typer.Context, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        say(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit."),
    ] = False,
) -> None:
    """Parse the options that come before the verb."""


def fail_usage(error: Any) -> NoReturn:
    """Print wrong usage in one line, with the command that shows the right one, and exit.

    Args:
        error: a WrongUsage.
    """
    message = error.format_message()
    # Where no arguments were given, Typer has printed the help already and leaves the message empty.
    if not message:
        sys.exit(error.exit_code)
    if re.match(r"No such option: -[^-]", message):
        message += " (names that begin with a dash go after --)"
    elif unknown := _NO_SUCH_COMMAND.match(message):
        message = _no_such_command(unknown[1], getattr(error.ctx.command, "commands", {}))
    stop = "" if message.endswith((".", "?")) else "."
    verb = error.ctx.command_path if error.ctx else PROGRAM
    fail(f"{message}{stop} See: {verb} --help", error.exit_code)


def _no_such_command(word: str, commands: dict[str, Any]) -> str:
    # Only newer versions of Typer suggest a command, in words of their own.
    visible = [name for name, command in commands.items() if not command.hidden]
    close = difflib.get_close_matches(word.lower(), visible, n=1)
    return f"No such command {word!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _interrupt(*_: object) -> NoReturn:
    raise Interrupted
