"""Routes of the unknown inbox: recent unknown pictures."""

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
from edge_tosca.console.app_state.state import CHANGES_STORE, AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import checked_label

router = APIRouter(tags=["inbox"])

_GONE = "this group is no longer in the inbox; load the page again"


@router.get("/inbox")
async def inbox(state: AppStateDep) -> InboxMessage:
    """List recent unknown pictures, grouped by similarity, the largest group first."""
    groups = state.inbox.groups()
    plain = state.cameras.is_plain()
    return InboxMessage(
        groups=[
            UnknownGroupMessage(
                id=group.id,
                count=group.count,
                nearest=group.nearest,
                pictures=[UnknownMessage(id=one.id, at=one.at) for one in reversed(group.pictures)],
                camera=None if plain or place is None else place.camera,
                region=None if plain or place is None else place.region,
            )
            for place, group in groups
        ],
        pictures=sum(len(group.pictures) for _, group in groups),
        kept=state.thumbnails.on,
    )


@router.delete("/inbox")
async def drop(
    state: AppStateDep,
    group: Annotated[str | None, Query(min_length=1, max_length=64, description="All unless named.")] = None,
) -> DroppedMessage:
    """Remove a group of unknown pictures, or all groups."""
    keys = [group] if group is not None else [one.id for _, one in state.inbox.groups()]
    taken = [state.inbox.take(key) for key in keys]
    if group is not None and taken[0] is None:
        raise ApiError(404, _GONE)
    await state.save_waiting()
    return DroppedMessage(dropped=sum(len(some) for some in taken if some is not None))


@router.post("/inbox/move", dependencies=[CHANGES_STORE])
async def move(state: AppStateDep, body: MoveMessage) -> MovedMessage:
    """Move the pictures of a group to the training queue, under a class name."""
    label = checked_label(body.label)
    group = next((one for _, one in state.inbox.groups() if one.id == body.group), None)
    if group is not None and not state.queue.room(label, len(group.pictures)):
        raise ApiError(
            409, f"the queue has no room for {len(group.pictures)} pictures; teach those that wait first"
        )
    pictures = state.inbox.take(body.group)
    if pictures is None:
        raise ApiError(404, _GONE)
    added = [state.queue.add(label, one.image, force=True) for one in pictures]
    return MovedMessage(label=label, moved=sum(one.accepted for one in added), count=added[-1].count)
