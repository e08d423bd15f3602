"""Routes of the unknown inbox: what was seen lately and not known."""

from typing import Annotated

from fastapi import APIRouter, Query

from edge_tosca.console.api.teaching_messages import (
    DroppedMessage,
    InboxMessage,
    MovedMessage,
    MoveMessage,
    UnknownGroupMessage,
    UnknownMessage,
)
from edge_tosca.console.app_state.state import TheStation
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import checked_label

router = APIRouter(tags=["inbox"])

_GONE = "this group is not in the inbox any more; load the page again"


@router.get("/inbox")
async def inbox(station: TheStation) -> InboxMessage:
    """List recent unknown things, grouped by similarity, the largest group first."""
    groups = station.inbox.groups()
    return InboxMessage(
        groups=[
            UnknownGroupMessage(
                id=group.id,
                count=group.count,
                nearest=group.nearest,
                pictures=[UnknownMessage(id=one.id, at=one.at) for one in reversed(group.pictures)],
            )
            for group in groups
        ],
        pictures=sum(len(group.pictures) for group in groups),
    )


@router.delete("/inbox")
async def drop(
    station: TheStation,
    group: Annotated[str | None, Query(min_length=1, max_length=64, description="All unless named.")] = None,
) -> DroppedMessage:
    """Drop a group of unknown things, or all."""
    keys = [group] if group is not None else [one.id for one in station.inbox.groups()]
    taken = [station.inbox.take(key) for key in keys]
    if group is not None and taken[0] is None:
        raise ApiError(404, _GONE)
    return DroppedMessage(dropped=sum(len(some) for some in taken if some is not None))


@router.post("/inbox/move")
async def move(station: TheStation, asked: MoveMessage) -> MovedMessage:
    """Let the pictures of a group wait to be taught under a name."""
    label = checked_label(asked.label)
    pictures = station.inbox.take(asked.group)
    if pictures is None:
        raise ApiError(404, _GONE)
    added = [station.queue.add(label, one.seen, force=True) for one in pictures]
    return MovedMessage(label=label, moved=sum(one.accepted for one in added), count=added[-1].count)
