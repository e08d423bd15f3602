"""The verb `init`: create a store."""

import contextlib
from typing import Annotated

import typer

from edge_tosca.cli.terminal import (
    AsJson,
    BackboneOption,
    Device,
    KeyFileOption,
    Runtime,
    StorePath,
    say,
    say_json,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import StoreError

init_verb = Verbs()


@init_verb.command()
def init(
    store: StorePath,
    backbone: BackboneOption = None,
    router: Annotated[str, typer.Option(help='"fused", or "entropy" for the paper\'s rule.')] = "fused",
    refused: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="Share of pictures of known classes that may be called unknown."),
    ] = 0.05,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Largest file; cached features are thinned to stay within.")
    ] = None,
    runtime: Annotated[Runtime, typer.Option(help="What runs the backbone.")] = "onnxruntime",
    device: Annotated[Device, typer.Option(help="On what it runs.")] = "CPU",
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Leave an existing store as it is; for services.")
    ] = False,
    group_access: Annotated[
        bool,
        typer.Option("--group-access", help="Let the file's group read and change it too (mode 0660)."),
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Create a learner without any class."""
    from edge_tosca.learner.learner import Learner
    from edge_tosca.store.store import Store

    if if_missing:
        with contextlib.suppress(StoreError):
            Store.open(store, key_file).close()
            return
    learner = Learner.create(
        store,
        backbone,
        router=router,
        refused=refused,
        max_bytes=max_bytes,
        runtime=runtime,
        device=device,
        key_file=key_file,
        group_access=group_access,
    )
    origin = learner.store.settings["origin"]
    if as_json:
        say_json({"store": str(store), "backbone": origin, "router": router})
    else:
        say(f"{store} is ready: {origin}. Teach it with: edge-tosca learn {store} FOLDER")
