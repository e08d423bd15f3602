"""What the comparisons of `bench` are told on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import note
from edge_tosca.errors import EdgeToscaError

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="FOLDER...", help="Sets: class folders, or train and test folders of them."),
]


def counted(shots: list[str], option: str = "--shots") -> list[int | None]:
    """Read what an option says: numbers of pictures, None for all.

    Raises:
        EdgeToscaError: one is neither a number of at least 1 nor "all".
    """
    try:
        counts = [None if shot == "all" else int(shot) for shot in shots]
    except ValueError:
        raise EdgeToscaError(f'{option} takes a whole number or "all"') from None
    if any(count is not None and count < 1 for count in counts):
        raise EdgeToscaError(f'{option} takes a number of at least 1 or "all"')
    return counts


def telling(as_json: bool) -> Callable[[str], None]:
    """Say what is done next, unless the answer is for a program."""
    return lambda step: None if as_json else note(step)
