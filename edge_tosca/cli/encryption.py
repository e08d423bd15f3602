"""The verbs that encrypt a store: store encrypt, decrypt and rekey."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import StorePath, say
from edge_tosca.store import encryption as work

encryption = typer.Typer()


@encryption.command()
def encrypt(store: StorePath) -> None:
    """Encrypt a store with the key that is given; it needs the room of the file twice while it runs."""
    if work.encrypt(store):
        say(f"{store} is encrypted; without its key nobody can read it, so keep a copy of the key elsewhere")
    else:
        say(f"{store} was encrypted already; no plain page is left in its file")


@encryption.command()
def decrypt(store: StorePath) -> None:
    """Take the encryption off a store."""
    work.decrypt(store)
    say(f"{store} is not encrypted any more")


@encryption.command()
def rekey(
    store: StorePath,
    new_key_file: Annotated[Path, typer.Option(metavar="FILE", help="The key that is to open it.")],
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Encrypt everything anew: the old key and an old copy of the file would open it."
        ),
    ] = False,
) -> None:
    """Give a store another key."""
    work.rekey(store, new_key_file, fresh=fresh)
    say(f"{store} opens with the key in {new_key_file}, and no longer with the one before")
