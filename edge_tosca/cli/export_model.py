"""The verb `export-model`: write what a learner knows as one ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, counted, say, say_json
from edge_tosca.cli.verbs import Verbs

model_verb = Verbs()


@model_verb.command("export-model")
def export_model(
    store: StorePath,
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="File to write.")],
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Write the learner as one ONNX file, which any program with an ONNX runtime can use."""
    from edge_tosca.errors import LearnError
    from edge_tosca.learner.learner import Learner
    from edge_tosca.takeaway.export_model import export_model as export

    opened = Learner.open(store, key_file=key_file)
    encrypted = opened.store.cipher.encrypted
    try:
        found = export(opened, out)
    except OSError as error:
        raise LearnError(
            f"{out} cannot be written ({error.strerror}); name a file in a folder with room"
        ) from None
    if as_json:
        report = {"store": str(store), "out": str(out), "bytes": found.bytes, "size": found.size}
        say_json({**report, "labels": list(found.labels), "generation": found.generation})
        return
    say(f"{out}: {counted(len(found.labels), 'class', 'classes')}, {found.bytes / 1e6:.1f} MB")
    say(f"  reads uint8 RGB [1, {found.size}, {found.size}, 3], cropped and resized (docs/export-model.md)")
    say("  note: it holds class means in plain form, and forget cannot reach it")
    if encrypted:
        say(f"  note: {store} is encrypted, and this file is not")
