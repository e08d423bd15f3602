"""Addresses of cameras and brokers from an option, a file or the environment."""

import os
from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.addresses import CAMERA_VARIABLE
from edge_tosca.errors import EdgeToscaError

CameraFileOption = Annotated[
    Path | None,
    typer.Option(
        "--camera-file",
        metavar="FILE",
        help=f"Holds the camera's SPEC in one line; {CAMERA_VARIABLE} does the same. Neither is in the list "
        "of processes, as --camera is with its password.",
    ),
]

_LONGEST = 1 << 16


def given_address(
    context: typer.Context, option: str, address: str | None, file: Path | None, variable: str
) -> str | None:
    """Return an address from where it was given: the option, the file, the environment, in this order.

    Args:
        context: of the command.
        option: as it is written, "--camera"; the file's is the same with "-file".
        address: of the option; an empty one counts as none, so that a service's settings may leave it out.
        file: of the file's option; None for none.
        variable: of the environment.

    Returns:
        The address; None if none was given.

    Raises:
        BadParameter: both options were given.
        EdgeToscaError: the file cannot be read, or does not hold one line.
    """
    if address and file is not None:
        raise typer.BadParameter(f"give it or {option}-file, not both", ctx=context, param_hint=option)
    if file is not None:
        return _only_line(file, f"{option}-file")
    return address or os.environ.get(variable) or None


def _only_line(path: Path, option: str) -> str:
    try:
        # A pipe is read, too, as in --camera-file <(pass show camera).
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
        lines = data.decode().split("\n")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise EdgeToscaError(f"{path}: cannot be read ({reason}); name another with {option}") from None
    except UnicodeDecodeError:
        raise EdgeToscaError(f"{path}: is not UTF-8 text; write the address alone into it") from None
    found = [line.strip() for line in lines if line.strip()]
    if len(found) != 1 or len(data) > _LONGEST:
        held = "is empty" if not found else f"holds {len(found)} lines" if len(found) > 1 else "is too long"
        raise EdgeToscaError(f"{path}: {held}; write the address alone into it")
    return found[0]
