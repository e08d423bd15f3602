"""The verbs `regions add`, `list` and `remove`: named rectangles of a camera's frame."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, say, say_json
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import EdgeToscaError

if TYPE_CHECKING:
    from edge_tosca.live.regions import NamedRegion
    from edge_tosca.runtime.region import Region
    from edge_tosca.store.state import State
    from edge_tosca.store.store import Store

region_verbs = Verbs()
_verbs = Verbs(name="regions", help="Answer for named rectangles of a camera's frame.", no_args_is_help=True)
region_verbs.add_typer(_verbs)

RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="X,Y,W,H",
        help="Rectangle of each upright picture: upper left corner, width and height as fractions.",
    ),
]
CameraNameOption = Annotated[str, typer.Option("--camera", metavar="NAME", help="Name of the camera.")]
NamePosition = Annotated[str, typer.Argument(metavar="NAME", help="Of the region.")]


def parsed_region(text: str | None) -> "Region | None":
    """Read the value of --region.

    Args:
        text: as typed; None where the option is absent.

    Returns:
        The region; None for the whole picture.

    Raises:
        BadParameter: it is no region.
    """
    from edge_tosca.runtime.region import Region

    if text is None:
        return None
    try:
        return Region.parse(text)
    except EdgeToscaError as error:
        raise typer.BadParameter(str(error), param_hint="--region") from None


@_verbs.command()
def add(
    store: StorePath,
    name: NamePosition,
    box: Annotated[
        str,
        typer.Argument(
            metavar="X,Y,W,H", help="Upper left corner, width and height, fractions of the frame."
        ),
    ],
    camera: CameraNameOption = "main",
    labels: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="CLASS", help="Answer among this class alone; repeatable."),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(
            "--trigger",
            metavar="WHEN",
            help='When to look: always, motion, request, or "every 5s"; by default as the program was '
            "started, or as before.",
        ),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Add a region to a camera, or replace the one of this name; a running server takes it at once."""
    from edge_tosca.live.regions import put_region
    from edge_tosca.runtime.region import Region

    region = Region.parse(box)
    with closing(_open(store, key_file)) as opened:
        put_region(opened, camera, name, region, labels or (), trigger=trigger)
        _show(opened, camera, as_json)


@_verbs.command("list")
def list_regions(
    store: StorePath,
    camera: Annotated[
        str | None, typer.Option("--camera", metavar="NAME", help="Of one camera; all by default.")
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """List the regions of the cameras."""
    with closing(_open(store, key_file)) as opened:
        _show(opened, camera, as_json)


@_verbs.command()
def remove(
    store: StorePath,
    name: NamePosition,
    camera: CameraNameOption = "main",
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Remove a region; a camera without regions is answered whole."""
    from edge_tosca.live.regions import remove_region

    with closing(_open(store, key_file)) as opened:
        remove_region(opened, camera, name)
        _show(opened, camera, as_json)


def _open(path: Path, key_file: Path | None) -> "Store":
    from edge_tosca.store.store import Store

    return Store.open(path, key_file)


def _show(store: "Store", camera: str | None, as_json: bool) -> None:
    from edge_tosca.live.regions import read_regions

    with store.snapshot():
        regions, state = read_regions(store), store.state()
    found = [
        _entry(name, one, state) for name, some in regions.items() if camera in (None, name) for one in some
    ]
    if as_json:
        say_json({"store": str(store.path), "regions": found})
        return
    for entry in found:
        among = entry["classes"]
        answers = "" if among is None else f"  among {', '.join(among) or 'classes that were forgotten'}"
        when = f"  {entry['trigger']}" if entry["trigger"] else ""
        say(f"{entry['camera']}  {entry['name']}  {entry['box']}{when}{answers}")
    if not found:
        say(f"{camera or 'Every camera'} is answered whole; add a region with: edge-tosca regions add")


def _entry(camera: str, named: "NamedRegion", state: "State") -> dict[str, Any]:
    labels = named.labels(state)
    region = named.region
    return {
        "camera": camera,
        "name": named.name,
        "box": str(region),
        "x": region.x,
        "y": region.y,
        "width": region.width,
        "height": region.height,
        "classes": None if labels is None else sorted(labels),
        "trigger": named.trigger,
    }
