"""The verbs that copy a store: store backup and restore."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, say, say_json
from edge_tosca.cli.verbs import Verbs

backup_verbs = Verbs()


@backup_verbs.command()
def backup(
    store: StorePath,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Copy the kept pictures, too, to FILE.pictures.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a copy that is there.")] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Copy a store while it is in use, and verify the copy; an encrypted store stays encrypted."""
    from edge_tosca.store.backup import backup as copy_store

    copied = copy_store(store, file, key_file, pictures=pictures, force=force)
    if as_json:
        say_json({"store": str(store), "file": str(file), **copied.to_json()})
        return
    head = f", head {copied.head}" if copied.head else ""
    size = f"{copied.bytes / 1e6:.1f} MB"
    say(f"{file} is a verified copy of {store}: generation {copied.generation}, {size}{head}")
    if not copied.noted:
        say(f"  it could not be noted beside {store}; `forget` will not name this copy")


@backup_verbs.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `store backup` made.")],
    store: StorePath,
    force: Annotated[
        bool, typer.Option("--force", help="A store may be there; it is kept under another name.")
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Put a copy in the place of a store, without the classes that were forgotten since."""
    from edge_tosca.learner.restore import restore as restore_store

    restored = restore_store(file, store, key_file, force=force)
    if as_json:
        say_json({"store": str(store), "file": str(file), **restored.to_json()})
        return
    say(f"{store} is restored from {file}: generation {restored.copy.generation}")
    if restored.forgotten:
        say(f"  erased, because forgotten since the copy was made: {', '.join(restored.forgotten)}")
    if restored.kept is not None:
        say(f"  the store that was there is now {restored.kept}; delete it when it is no longer needed")
