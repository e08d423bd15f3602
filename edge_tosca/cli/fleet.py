"""The verbs of a fleet's administrator: create, invite, revoke and command."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_tosca.cli.terminal import AsJson, counted, note, say, say_json
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import FleetError

if TYPE_CHECKING:
    from edge_tosca.packs.fleet.admin_session import AdminSession
    from edge_tosca.packs.fleet.administration import Administration

verbs = Verbs(
    name="fleet", help="Let all boxes know what one is taught, over an MQTT broker.", no_args_is_help=True
)

FleetFolder = Annotated[
    Path, typer.Argument(metavar="FLEET", help="The administrator's folder.", show_default=False)
]
BoxName = Annotated[str, typer.Argument(metavar="BOX", help="Name of the box.", show_default=False)]
_CONNECTING_SECONDS = 10.0


@verbs.command()
def create(
    folder: FleetFolder,
    broker: Annotated[
        str,
        typer.Option(
            metavar="URL", help="mqtts://host:8883?ca=FILE&cert=FILE&key=FILE, or mqtt://host:1883."
        ),
    ],
    name: Annotated[str, typer.Option(help="Of the fleet; the folder's by default.")] = "",
    objects: Annotated[
        str,
        typer.Option(
            metavar="URL", help="S3 store for lessons above 8 MiB: s3://bucket, or https://host/bucket."
        ),
    ] = "",
    names: Annotated[
        Literal["merge", "signer"],
        typer.Option(help="What two boxes teach under one name is one class, or is named NAME@SIGNER each."),
    ] = "merge",
    as_json: AsJson = False,
) -> None:
    """Make the administrator's key and the fleet key, in a new folder that others cannot read."""
    from edge_tosca.packs.fleet.administration import Administration
    from edge_tosca.packs.fleet.broker_address import BrokerAddress

    BrokerAddress.parse(broker)
    made = Administration.create(folder, name or folder.absolute().name, broker, objects, names)
    if as_json:
        say_json({"fleet": made.fleet, "folder": str(folder), "key": made.key.public, "names": names})
        return
    say(f"Fleet {made.fleet} is in {folder}; keep the folder secret, and a copy of it.")
    say(f"  {folder / 'mosquitto.acl'}: access rules for Mosquitto, with a certificate for each box")
    say(f"Next: edge-tosca fleet invite {folder} BOX --out FILE")


@verbs.command()
def invite(
    folder: FleetFolder,
    box: BoxName,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the invitation goes.")],
    group: Annotated[list[str] | None, typer.Option(help="A group of the box; repeatable.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="teacher (by default), judge, or listener; repeatable.")
    ] = None,
    ring: Annotated[int, typer.Option(help="Ring of the roll-out; 0 imports first.")] = 0,
    days: Annotated[float, typer.Option(min=0.001, help="Until the invitation expires.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Write one file that makes one box a member; it holds keys and expires."""
    from edge_tosca.packs.fleet.administration import Administration

    fleet = Administration.load(folder)
    roles = tuple(one for one in role or ("teacher",) if one != "listener")
    member = fleet.invite(
        out, box, roles=roles, groups=tuple(group or ()), ring=ring, expires=timedelta(days=days)
    )
    published = _published(fleet)
    if as_json:
        say_json(
            {
                "invitation": str(out),
                "box": box,
                "key": member.key,
                "roles": list(member.roles),
                "groups": list(member.groups),
                "ring": ring,
                "published": published,
            }
        )
        return
    say(f"{out} makes one store box {box}; it expires in {days:g} days. On the box:")
    say(f"  edge-tosca fleet join STORE {out.name}")
    if not published:
        say("  the broker cannot be reached now; the box brings the list of members along")


@verbs.command()
def revoke(
    folder: FleetFolder,
    box: BoxName,
    lessons: Annotated[bool, typer.Option("--lessons", help="Remove what it taught, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a box: a new fleet key for the others, and all lessons encrypted under it again."""
    from edge_tosca.packs.fleet.administration import Administration

    fleet = Administration.load(folder)
    found = fleet.roster.named(box)
    if found is None:
        raise FleetError(f"the fleet has no box {box!r}; see: edge-tosca fleet status {folder}")
    with admin_session(fleet) as session:
        session.gather(f"{session.topics.root}/set/#", *session.topics.watched())
        fleet.revoke(box, 0 if lessons else session.last_number(found.key))
        session.publish_roster()
        for topic in (session.topics.hello(box), session.topics.have(box)):
            session.transport.publish(topic, b"")
        again, missing = session.encrypt_again()
    if as_json:
        say_json({"revoked": box, "epoch": fleet.roster.epoch, "encrypted": again, "missing": missing})
        return
    say(f"Box {box} is revoked; {counted(again, 'lesson')} encrypted under fleet key {fleet.roster.epoch}.")
    if missing:
        say(f"  {counted(missing, 'lesson')} could not be had; a box that holds them publishes them again")
    say("  what it holds already stays readable to it")


@verbs.command()
def command(
    folder: FleetFolder,
    box: BoxName,
    action: Annotated[
        Literal["rollback", "forget", "strictness", "pin"], typer.Argument(help="What the box is to do.")
    ],
    value: Annotated[
        str, typer.Argument(help="GENERATION, CLASS, 0 to 1, or on|off (pin: import nothing).")
    ] = "",
    days: Annotated[int, typer.Option(min=1, help="Until it expires.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Send a command to one box; it carries it out when it follows next."""
    from edge_tosca.packs.fleet.administration import Administration

    fleet = Administration.load(folder)
    with admin_session(fleet) as session:
        number = session.command(box, action, value, days)
    if as_json:
        say_json({"box": box, "command": number, "do": action, "value": value})
    else:
        say(f"Command {number} ({action}) waits for box {box}.")


@contextlib.contextmanager
def admin_session(fleet: "Administration") -> "Iterator[AdminSession]":
    """Connect the administrator to the broker.

    Args:
        fleet: the fleet.

    Yields:
        The connection.

    Raises:
        FleetError: the broker cannot be reached.
    """
    from edge_tosca.packs.fleet.admin_session import AdminSession
    from edge_tosca.packs.fleet.broker_address import BrokerAddress
    from edge_tosca.packs.fleet.mqtt import MqttTransport
    from edge_tosca.packs.fleet.objects import S3Objects

    events: list[str] = []
    transport = MqttTransport(BrokerAddress.parse(fleet.broker), on_event=events.append)
    objects = S3Objects(fleet.objects) if fleet.objects else None
    session = AdminSession(fleet, transport, objects)
    try:
        session.connect(_CONNECTING_SECONDS)
        yield session
    except FleetError as error:
        raise FleetError(events[-1] if events and not transport.connected else str(error)) from None
    finally:
        transport.close()


def _published(fleet: "Administration") -> bool:
    try:
        with admin_session(fleet) as session:
            session.publish_roster()
    except FleetError as error:
        note(f"edge-tosca: {error}")
        return False
    return True
