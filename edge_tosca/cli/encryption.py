"""The verbs that encrypt a store: store encrypt, decrypt and rekey."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import KeyFileOption, StorePath, say
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import StoreError

encryption_verbs = Verbs()


@encryption_verbs.command()
def encrypt(store: StorePath, key_file: KeyFileOption = None) -> None:
    """Encrypt a store; while this runs, the file takes twice its room on the disk."""
    from edge_tosca.store import encryption
    from edge_tosca.store.copies import known_copies

    if encryption.encrypt(store, key_file):
        say(f"{store} is encrypted; it cannot be read without its key, so keep a copy of the key elsewhere")
    else:
        say(f"{store} was encrypted already; its file holds no plain page")
    for copy in known_copies(store):
        with contextlib.suppress(StoreError):
            if copy.exists() and not encryption.is_encrypted(copy):
                say(f"  {copy}: a copy that is not encrypted; encrypt it, too, or delete it")


@encryption_verbs.command()
def decrypt(store: StorePath, key_file: KeyFileOption = None) -> None:
    """Decrypt a store."""
    from edge_tosca.store import encryption

    encryption.decrypt(store, key_file)
    say(f"{store} is no longer encrypted")


@encryption_verbs.command()
def rekey(
    store: StorePath,
    new_key_file: Annotated[Path, typer.Option(metavar="FILE", help="The new key.")],
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Encrypt every row again: otherwise the old key and an old copy of the file still open it.",
        ),
    ] = False,
    key_file: KeyFileOption = None,
) -> None:
    """Change the key of a store."""
    from edge_tosca.store import encryption

    encryption.rekey(store, new_key_file, key_file, fresh=fresh)
    say(f"{store} now opens with the key in {new_key_file}, and no longer with the previous one")
