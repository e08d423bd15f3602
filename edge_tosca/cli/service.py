"""The verb service: the files that run the console and watchers as system services."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, say, say_json
from edge_tosca.cli.verbs import Verbs

service_verbs = Verbs()
_verbs = Verbs(name="service", help="Run edge-tosca as a system service.", no_args_is_help=True)
service_verbs.add_typer(_verbs)


@_verbs.callback()
def _() -> None:
    """Keep `files` a word of its own: without a callback Typer makes a group of one command that command."""


@_verbs.command()
def files(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder.")],
    as_json: AsJson = False,
) -> None:
    """Write units, install script, settings, drop-ins and Containerfile to a folder."""
    from edge_tosca.service.files import write_service_files

    written = write_service_files(out)
    if as_json:
        say_json({"files": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))
    say(f"Read them, then: sudo {out / 'install.sh'} --from WHEEL   (--dry-run shows what it would do)")
