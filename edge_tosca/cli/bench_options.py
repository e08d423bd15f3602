"""What the comparisons of `bench` have in common on the command line."""

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
    """Parse numbers of pictures, None for all.

    Args:
        shots: values of the option.
        option: its name, for the error.

    Returns:
        The numbers.

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


def step_notes(as_json: bool) -> Callable[[str], None]:
    """Return what prints the next step on stderr; nothing is printed if the answer is JSON."""
    return lambda step: None if as_json else note(step)
