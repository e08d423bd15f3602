"""Routes of the last answers: list, confirm, and name many pictures at once."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from edge_tosca.console.api.places import CameraQuery, RegionQuery, place_of
from edge_tosca.console.api.teaching_messages import (
    AddedMessage,
    ConfirmationMessage,
    NamedMessage,
    NameMessage,
    StripAnswerMessage,
    StripMessage,
)
from edge_tosca.console.app_state.answer_strip import StripAnswer
from edge_tosca.console.app_state.state import CHANGES_STORE, AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.labels import checked_label

router = APIRouter(tags=["asking"])

Phone = Annotated[
    str | None, Query(alias="client", min_length=1, max_length=64, description="A phone, by its own name.")
]


@router.get("/answers")
async def answers(
    state: AppStateDep, camera: CameraQuery = None, region: RegionQuery = None, client: Phone = None
) -> StripMessage:
    """List the last answers to a region of the box's camera, by default to its first, or to a phone."""
    if client is not None:
        return StripMessage(answers=[_message(one) for one in state.strips.of(client)])
    if camera is None and region is None:
        place = state.cameras.first()
    else:
        place, _ = await place_of(state, camera, region)
    return StripMessage(answers=[] if place is None else [_message(one) for one in state.strips.of(place)])


@router.post("/answers/confirm", dependencies=[CHANGES_STORE])
async def confirm(state: AppStateDep, body: ConfirmationMessage) -> AddedMessage:
    """Confirm one of the last answers: its picture waits with those of its class, unless it has a fault."""
    found = state.strips.find(body.answer)
    if found is None:
        raise ApiError(404, "this answer is no longer kept; confirm a newer one")
    if found.unknown:
        raise ApiError(409, "this picture was called unknown, which names no class; say what it is instead")
    label = checked_label(found.label)
    added = state.queue.add(label, found.image)
    state.strips.mark(found.id, label)
    return AddedMessage(label=label, **asdict(added))


@router.post("/queue/name", dependencies=[CHANGES_STORE])
async def name(state: AppStateDep, body: NameMessage) -> NamedMessage:
    """Queue pictures of the inbox, of answers or of the queue itself under a class name."""
    label = checked_label(body.label)
    done = state.places.name(body.pictures, label)
    if not done.moved:
        if done.full:
            raise ApiError(409, "the queue has no room for these pictures; teach some that wait first")
        raise ApiError(404, "these pictures are no longer kept; load the page again")
    return NamedMessage(label=label, count=len(state.queue.classes().get(label, ())), **asdict(done))


def _message(one: StripAnswer) -> StripAnswerMessage:
    return StripAnswerMessage(
        id=one.id,
        at=one.at,
        label=one.label,
        unknown=one.unknown,
        probability=one.probability,
        truth=one.truth,
    )
