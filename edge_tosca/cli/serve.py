"""The verb serve: the field console and its HTTP API."""

from typing import Annotated

import typer

from edge_tosca.cli.terminal import DeviceOption, RuntimeOption, StorePath, ThreadsOption, say

serving = typer.Typer()


@serving.command()
def serve(
    store: StorePath,
    camera: Annotated[str | None, typer.Option(metavar="SPEC", help="The box's camera.")] = None,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where to listen.")] = "127.0.0.1:8600",
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Serve the field console: a page to teach and watch from a phone or the box's own screen."""
    from edge_tosca.console.options import Options
    from edge_tosca.console.running import run

    host, _, port = listen.rpartition(":")
    options = Options(store, camera, host, int(port), runtime=runtime, device=device, threads=threads)
    say(f"http://{listen}/ serves {store}")
    run(options)
