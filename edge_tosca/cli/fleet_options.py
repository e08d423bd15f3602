"""Options of verbs that answer, on a box that belongs to a fleet; and the follower beside them."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", help="In a fleet: for news of erasures, before the first answer."
    ),
]
StrictErasureOption = Annotated[
    bool,
    typer.Option("--strict-erasure", help="In a fleet: answer only after there is news of erasures."),
]


@contextlib.contextmanager
def following_fleet(
    store: Path, key_file: Path | None, wait: float, strict: bool, log: Callable[[str], None]
) -> Iterator[None]:
    """Follow the fleet of a store's box while the block runs, if it belongs to one.

    Args:
        store: path of the store.
        key_file: with its key.
        wait: seconds to wait for news of erasures at first.
        strict: wait for as long as it takes.
        log: called with lines about what is done.

    Raises:
        EdgeToscaError: the box cannot follow its fleet.
    """
    from edge_tosca.packs.fleet.membership import is_member

    if not is_member(store):
        yield
        return
    from edge_tosca.packs.fleet.background import FleetFollower

    with contextlib.closing(FleetFollower(store, key_file, log)) as follower:
        follower.await_erasures(None if strict else wait)
        yield
