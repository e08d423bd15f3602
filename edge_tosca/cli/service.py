"""The verb service: the files that make a console and its watchers services of the system."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, say, say_json

service = typer.Typer()
_kinds = typer.Typer(name="service", help="Run edge-tosca as a service of the system.", no_args_is_help=True)
service.add_typer(_kinds)


@_kinds.callback()
def _() -> None:
    """Run edge-tosca as a service of the system."""


@_kinds.command()
def files(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where they go.")],
    as_json: AsJson = False,
) -> None:
    """Write units, install script, settings, drop-ins and Containerfile to a folder, to be read and run."""
    from edge_tosca.service.files import write_service_files

    written = write_service_files(out)
    if as_json:
        say_json({"files": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))
    say(f"Read them, then: sudo {out / 'install.sh'} --from WHEEL   (--dry-run says what it would do)")
