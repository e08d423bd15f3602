"""The verb `export-dataset`: write the kept pictures of a store to a folder."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, counted, say, say_json
from edge_tosca.cli.verbs import Verbs

dataset_verb = Verbs()


@dataset_verb.command("export-dataset")
def export_dataset(
    store: StorePath,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")],
    form: Annotated[
        Literal["folders", "coco"],
        typer.Option("--format", help="OUT/CLASS/*.jpg, or COCO: OUT/images and OUT/annotations.json."),
    ] = "folders",
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Write the kept pictures of the classes to a folder, with a manifest that learn --list reads."""
    from edge_tosca.learner.dataset_export import MANIFEST
    from edge_tosca.learner.dataset_export import export_dataset as export
    from edge_tosca.store.store import Store

    opened = Store.open(store, key_file)
    encrypted = opened.cipher.encrypted
    found = export(opened, out, form)
    if as_json:
        say_json({"store": str(store), "out": str(out), "format": form, **found.to_json()})
        return
    say(f"{out}: {counted(found.images, 'picture')} of {counted(len(found.classes), 'class', 'classes')}")
    for label, images in found.classes.items():
        say(f"  {label}: {images}")
    for skipped in found.skipped:
        say(f"  skipped {skipped.path}: {skipped.reason}")
    if encrypted:
        say(f"  note: {store} is encrypted, and these pictures are not")
    say(f"  teach them to another store with: edge-tosca learn STORE --list {out / MANIFEST}")
