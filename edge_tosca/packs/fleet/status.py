"""What a box, and what all boxes of a fleet hold."""

import contextlib
import json
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.admin_session import AdminSession
from edge_tosca.packs.fleet.commands import PINNED
from edge_tosca.packs.fleet.converge import read_tombstone, valid_tombstones
from edge_tosca.packs.fleet.goal import haves_of
from edge_tosca.packs.fleet.holdings import held_packs
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.membership import folder_of, load_membership
from edge_tosca.packs.fleet.records import Records
from edge_tosca.packs.fleet.reports import Have, read_have
from edge_tosca.packs.fleet.roster import EVERYBODY, Member
from edge_tosca.store.store import Store


def box_status(store: Store) -> dict[str, Any]:
    """Describe a box by its own files; the broker is not asked.

    Args:
        store: of the box.

    Returns:
        Values that JSON can hold.

    Raises:
        FleetError: it belongs to no fleet.
    """
    membership = load_membership(store.path)
    records = Records(folder_of(store.path) / "records.db", membership.fleet)
    try:
        inbox = Inbox(membership, records)
        held = held_packs(store)
        own = inbox.roster.named(membership.box)
        groups = [] if own is None else [one for one in (EVERYBODY, *own.groups) if own.may_offer(one, 1)]
        labels = {group.id: group.label for task in store.tasks_ever() for group in task.groups}
        return {
            "fleet": membership.fleet,
            "box": membership.box,
            "share": membership.share,
            "may_share": groups,
            "held": sorted(pack for pack, one in held.items() if not one.refused),
            "refused": {pack: one.refused for pack, one in held.items() if one.refused},
            "labels": {pack: labels.get(one.group, "") for pack, one in held.items()},
            "deleted": len({one.pack for one in records.tombstones()}),
            "erasures_since": records.note("erasures since"),
            "copies": json.loads(records.note("copies") or "[]"),
            "pinned": bool(records.note(PINNED)),
            "boxes": _others(inbox),
        }
    finally:
        records.close()


def _others(inbox: Inbox) -> list[dict[str, Any]]:
    """Return what the other boxes of a small fleet report, as far as this box has read it."""
    haves = {one.key: one for one in haves_of(inbox)}
    hellos = {message.key: message.body for message in inbox.stored("hello")}
    return [
        _reported(one, haves.get(one.key, Have()), hellos.get(one.key, {}))
        for one in inbox.roster.members
        if one.until is None and one.roles != ("administrator",) and one.key != inbox.public
    ]


def _reported(member: Member, have: Have, hello: dict[str, Any]) -> dict[str, Any]:
    temperature, free = hello.get("temperature"), hello.get("free_disk")
    return {
        "box": member.name,
        "online": hello.get("online") is True,
        "ring": member.ring,
        "held": len(have.held),
        "refused": [{"pack": pack, "reason": reason} for pack, reason in have.refused.items()],
        "missing": len(have.missing),
        "version": str(hello["version"])[:40] if "version" in hello else None,
        "temperature": temperature if isinstance(temperature, float) else None,
        "free_disk": free if isinstance(free, int) else None,
        "erasures_since": have.erasures_since,
    }


def fleet_status(session: AdminSession) -> dict[str, Any]:
    """Describe a fleet by what its boxes report.

    Args:
        session: that has gathered it.

    Returns:
        Values that JSON can hold.
    """
    reports: dict[str, Have] = {}
    hellos: dict[str, dict[str, Any]] = {}
    tombstones = [read_tombstone(message) for message in session.messages("del")]
    for name, message in session.retained.items():
        topic = session.topics.parse(name)
        member = session.fleet.roster.member(message.key)
        if topic is None or member is None:
            continue
        with contextlib.suppress(FleetError):
            if topic.kind == "have" and member.name == topic.box:
                reports[member.key] = read_have(message)
            elif topic.kind == "hello" and member.name == topic.box and message.kind == "hello":
                hellos[member.key] = message.body
    boxes = [one for one in session.fleet.roster.members if one.roles != ("administrator",)]
    gone = sorted({(one.group, one.pack) for one in valid_tombstones(tombstones, session.fleet.roster)})
    unconfirmed = {
        pack: [
            one.name
            for one in boxes
            if one.until is None and one.is_in(group) and pack not in reports.get(one.key, Have()).deleted
        ]
        for group, pack in gone
    }
    return {
        "fleet": session.fleet.fleet,
        "offers": len(session.offers()),
        "boxes": [
            {
                "box": one.name,
                "key": one.key,
                "revoked": one.until is not None,
                "ring": one.ring,
                "groups": list(one.groups),
                "roles": list(one.roles),
                "online": bool(hellos.get(one.key, {}).get("online")),
                "version": hellos.get(one.key, {}).get("version"),
                "temperature": hellos.get(one.key, {}).get("temperature"),
                "free_disk": hellos.get(one.key, {}).get("free_disk"),
                "held": len(reports.get(one.key, Have()).held),
                "refused": reports.get(one.key, Have()).refused,
                "missing": list(reports.get(one.key, Have()).missing),
                "judged": reports.get(one.key, Have()).judged,
                "erasures_since": reports.get(one.key, Have()).erasures_since,
            }
            for one in boxes
        ],
        "unconfirmed": {pack: boxes_ for pack, boxes_ in unconfirmed.items() if boxes_},
    }
