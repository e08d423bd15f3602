"""Addresses of cameras and brokers from an option, a file or the environment."""

import os
import re
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
        help="Holds the camera's SPEC in one line, or a line of NAME=SPEC for each of several; "
        f"{CAMERA_VARIABLE} holds one. Neither is in the process list, as --camera with its password is.",
    ),
]

CamerasOption = Annotated[
    list[str] | None,
    typer.Option(
        "--camera",
        metavar="[NAME=]SPEC",
        help="A number or /dev/videoN, rtsp://..., http(s)://..., picamera2, a folder that receives "
        'pictures, or a file of frames, as in "frames.mjpeg?fps=15&loop=1"; repeatable with a NAME each.',
    ),
]

_LONGEST = 1 << 16
_NAMED = re.compile(r"([A-Za-z0-9_-]+)=(.*)", re.ASCII | re.DOTALL)
_MAIN = "main"


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


def given_cameras(context: typer.Context, cameras: list[str] | None, file: Path | None) -> dict[str, str]:
    """Return the cameras from where they were given: the options, the file, the environment, in this order.

    Args:
        context: of the command.
        cameras: of the options, NAME=SPEC or SPEC; empty ones count as none.
        file: of --camera-file; None for none.

    Returns:
        Name to address; an address without a name is the camera "main".

    Raises:
        BadParameter: options and a file were given, or two cameras have one name.
        EdgeToscaError: the file cannot be read, or holds several lines without names.
    """
    option = "--camera"
    given = [camera for camera in cameras or () if camera]
    if given and file is not None:
        raise typer.BadParameter(f"give it or {option}-file, not both", ctx=context, param_hint=option)
    if file is not None:
        given = _lines(file, f"{option}-file")
        if len(given) > 1 and not all(_NAMED.fullmatch(line) for line in given):
            raise EdgeToscaError(
                f"{file}: holds {len(given)} lines; write the address alone into it, or NAME=SPEC in each"
            )
    elif not given and (kept := os.environ.get(CAMERA_VARIABLE)):
        given = [kept]
    found: dict[str, str] = {}
    for camera in given:
        named = _NAMED.fullmatch(camera)
        name, address = (named[1], named[2]) if named else (_MAIN, camera)
        if name in found:
            raise typer.BadParameter(
                f"two cameras have the name {name}; write NAME=SPEC with a name for each",
                ctx=context,
                param_hint=option,
            )
        found[name] = address
    return found


def _only_line(path: Path, option: str) -> str:
    found = _lines(path, option)
    if len(found) != 1:
        held = "is empty" if not found else f"holds {len(found)} lines"
        raise EdgeToscaError(f"{path}: {held}; write the address alone into it")
    return found[0]


def _lines(path: Path, option: str) -> list[str]:
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
    if not found or len(data) > _LONGEST:
        held = "is empty" if not found else "is too long"
        raise EdgeToscaError(f"{path}: {held}; write the address alone into it")
    return found
