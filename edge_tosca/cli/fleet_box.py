"""The verbs of a box in a fleet: join, leave, publish, follow, status."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_tosca.cli.fleet import admin_session, verbs
from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, counted, note, say, say_json
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import FleetError

fleet_verbs = Verbs()
fleet_verbs.add_typer(verbs)


@verbs.command()
def join(
    store: StorePath,
    invitation: Annotated[Path, typer.Argument(metavar="INVITATION", help="The file of `fleet invite`.")],
    broker: Annotated[
        str,
        typer.Option(metavar="URL", help="The broker's address on this box, as with its own certificate."),
    ] = "",
    share: Annotated[
        str | None,
        typer.Option(
            metavar="GROUP", help="To which group what is taught here goes: a group, all, or nothing."
        ),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Make the box of a store a member of a fleet; delete the invitation afterwards."""
    from edge_tosca.packs.exporting import require_default_router
    from edge_tosca.packs.fleet.broker_address import BrokerAddress
    from edge_tosca.packs.fleet.holdings import release_all
    from edge_tosca.packs.fleet.membership import (
        folder_of,
        is_member,
        read_invitation,
        save_membership,
        with_changes,
    )
    from edge_tosca.packs.fleet.topics import checked_name
    from edge_tosca.store.store import Store

    if is_member(store):
        raise FleetError(f"{store} belongs to a fleet already; leave it with: edge-tosca fleet leave {store}")
    found = read_invitation(invitation, datetime.now(UTC))
    if broker:
        BrokerAddress.parse(broker)
    if share is not None and share != "nothing":
        checked_name(share)
    opened = Store.open(store, key_file)
    require_default_router(opened)
    release_all(opened)
    opened.close()
    changed = with_changes(
        found, share=None if share is None else share.replace("nothing", ""), broker=broker
    )
    save_membership(store, changed)
    if as_json:
        say_json(
            {"fleet": found.fleet, "box": found.box, "share": changed.share, "folder": str(folder_of(store))}
        )
        return
    say(f"{store} is box {found.box} of fleet {found.fleet} now. Delete {invitation}.")
    goes = f"goes to {changed.share}" if changed.share else "stays here"
    say(f"  what is taught here {goes}; next: edge-tosca fleet follow {store}")


@verbs.command()
def leave(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """Leave the fleet: the keys on this box are deleted, what it learned stays."""
    from edge_tosca.packs.fleet.holdings import release_all
    from edge_tosca.packs.fleet.membership import folder_of, load_membership
    from edge_tosca.store.store import Store

    found = load_membership(store)
    opened = Store.open(store, key_file)
    release_all(opened)
    opened.close()
    shutil.rmtree(folder_of(store))
    if as_json:
        say_json({"left": found.fleet, "box": found.box})
    else:
        say(f"{store} has left fleet {found.fleet}.")
        say(f"  have it revoked, too: edge-tosca fleet revoke FLEET {found.box}")


@verbs.command()
def publish(
    store: StorePath,
    labels: Annotated[
        list[str] | None, typer.Argument(metavar="[CLASS]...", help="All that were learned here by default.")
    ] = None,
    group: Annotated[str, typer.Option(help="To which group; the box's own by default.")] = "",
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For the broker.")] = 30,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Offer classes of this box to a group, each lesson of a class in a signed pack of its own."""
    from edge_tosca.packs.fleet.following import await_erasures, catch_up, connected_box
    from edge_tosca.store.store import Store

    with connected_box(Store.open(store, key_file), key_file, note) as box:
        if not await_erasures(box, wait):
            raise FleetError(
                f"the broker of {store}'s fleet cannot be reached; check its address and that it runs"
            )
        box.publish(tuple(labels or ()), group)
        catch_up(box, wait)
        made = box.offered
    if as_json:
        say_json({"published": made})
    else:
        say(f"{counted(len(made), 'lesson')} published.")


@verbs.command()
def follow(
    store: StorePath,
    once: Annotated[
        bool, typer.Option("--once", help="End when this box holds what the fleet wants.")
    ] = False,
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For news of erasures, at the start.")] = 30,
    strict_erasure: Annotated[
        bool, typer.Option("--strict-erasure", help="Wait for news of erasures for as long as it takes.")
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Follow the fleet: erase what was deleted, import what is wanted, offer what is taught here."""
    from edge_tosca.packs.fleet.following import await_erasures, catch_up, connected_box, take_up_share
    from edge_tosca.store.store import Store

    opened = Store.open(store, key_file)
    with connected_box(opened, key_file, note) as box:
        reached = await_erasures(box, None if strict_erasure else wait)
        since = box.records.note("erasures since")
        if not reached:
            note(f"edge-tosca: the broker cannot be reached; no news of erasures since {since or 'joining'}")
        complete = catch_up(box, wait) if reached or not once else False
        _say_state(box.summary(), complete, as_json)
        if once:
            if not reached:
                raise typer.Exit(1)
            return
        while True:
            take_up_share(box)
            if box.step(1.0):
                _say_state(box.summary(), True, as_json)


@verbs.command()
def status(
    store: Annotated[
        Path, typer.Argument(metavar="STORE|FLEET", help="A store, or the administrator's folder.")
    ],
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="For the broker.")] = 10,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what a box holds and refuses; of the administrator's folder, what each box reports."""
    if store.is_dir():
        _say_fleet(store, wait, as_json)
        return
    from edge_tosca.packs.fleet.status import box_status
    from edge_tosca.store.store import Store

    opened = Store.open(store, key_file)
    found = box_status(opened)
    if as_json:
        say_json(found)
        return
    held, refused = counted(len(found["held"]), "pack"), len(found["refused"])
    say(f"{store} is box {found['box']} of fleet {found['fleet']}")
    say(f"  {held} held, {refused} refused, {found['deleted']} deleted")
    for pack, reason in found["refused"].items():
        say(f"  {found['labels'][pack]} ({pack[:12]}) refused: {reason}")
    say(f"  erasures are known until {found['erasures_since'] or 'never'}")
    for copy in found["copies"]:
        say(f"  {copy}: a copy that may still have what was deleted")


def _say_fleet(folder: Path, wait: float, as_json: bool) -> None:
    from edge_tosca.packs.fleet.administration import Administration
    from edge_tosca.packs.fleet.status import fleet_status

    fleet = Administration.load(folder)
    with admin_session(fleet) as session:
        session.gather(f"{session.topics.root}/#", seconds=wait)
        found = fleet_status(session)
    if as_json:
        say_json(found)
        return
    boxes = counted(len(found["boxes"]), "box", "boxes")
    say(f"Fleet {found['fleet']}: {boxes}, {counted(found['offers'], 'offer')}")
    for box in found["boxes"]:
        state = "revoked" if box["revoked"] else "online" if box["online"] else "offline"
        say(f"  {box['box']}: {state}, ring {box['ring']}, {box['held']} held, {len(box['refused'])} refused")
        for pack, reason in box["refused"].items():
            say(f"    {pack[:12]} refused: {reason}")
    for pack, boxes in found["unconfirmed"].items():
        say(f"  {pack[:12]} is deleted; not confirmed by {', '.join(boxes)}")


def _say_state(found: dict[str, Any], complete: bool, as_json: bool) -> None:
    if as_json:
        say_json({**found, "complete": complete})
        return
    missing = "" if complete else f", {found['fetching']} not here yet"
    held = f"{counted(found['held'], 'pack')} held, {found['refused']} refused"
    say(f"generation {found['generation']}: {held}{missing}")
