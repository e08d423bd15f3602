"""The option --key-file, which every verb has that takes a store."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from edge_tosca.store.crypto.keys import KEY_FILE


def with_key_file(app: typer.Typer) -> Any:
    """Build the command line, and give --key-file to every verb with a store.

    Whatever opens a store in this process finds the file by the environment: no verb has to hand it on.

    Args:
        app: with all its verbs.

    Returns:
        The command, to be called.
    """
    # Typer makes options of functions' parameters alone.
    model = typer.Typer(add_completion=False)
    model.command()(_verb)
    command = get_command(app)
    _add(command, get_command(model).params[0])
    return command


def _add(command: Any, option: Any) -> None:
    for verb in getattr(command, "commands", {}).values():
        _add(verb, option)
    if any(parameter.name == "store" for parameter in command.params):
        command.params.append(option)


def _remember(path: Path | None) -> None:
    if path is not None:
        os.environ[KEY_FILE] = str(path)


def _verb(
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            expose_value=False,
            callback=_remember,
            help="The key of an encrypted store, if it is not in EDGE_TOSCA_KEY or a systemd credential.",
        ),
    ] = None,
) -> None:
    """Stand in for a verb."""
