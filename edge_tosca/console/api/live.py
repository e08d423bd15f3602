"""Routes of the live view: the box's camera, and phones that send their own frames."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from starlette.responses import Response

from edge_tosca.console.api.messages import CameraMessage, LiveMessage, ShownMessage
from edge_tosca.console.api.openapi import PICTURE_BODY, file_answer, stream_answer
from edge_tosca.console.api.predict import answer_message
from edge_tosca.console.app_state.camera_loop import TELL_SECONDS, Watching, accounts, shown_json
from edge_tosca.console.app_state.image_analysis import AnalysedImage, analyse, jpeg_of
from edge_tosca.console.app_state.state import AppState, TheStation, client_of
from edge_tosca.console.http.bodies import picture_body
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.streams import BOUNDARY, Stream, event, frame
from edge_tosca.learner.learner import Learner
from edge_tosca.live import StableAnswer
from edge_tosca.results import Answer

router = APIRouter(tags=["live"])

_MOTION = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_STILL_SECONDS = 1.0

_NOT_STORED = {"Cache-Control": "no-store"}


@router.get("/live")
async def newest(station: TheStation) -> LiveMessage:
    """Say what the box's camera sees now."""
    return _message(station)


@router.get(
    "/live/events",
    response_class=Response,
    responses=stream_answer("text/event-stream", "The same as /live, at most ten times a second."),
)
async def events(request: Request, station: TheStation) -> Response:
    """Tell what the box's camera sees, as it changes."""
    return Stream(_told(station), station.streams, client_of(request), "text/event-stream")


@router.post("/live/frame", openapi_extra=PICTURE_BODY)
async def phone_frame(
    request: Request,
    station: TheStation,
    client: Annotated[str, Query(min_length=1, max_length=64, description="A name of the phone's own.")],
) -> LiveMessage:
    """Say what a phone's camera sees: a stable answer over its last frames."""
    data = await picture_body(request)

    def ask(learner: Learner) -> tuple[AnalysedImage, Answer | None, int, StableAnswer | None]:
        seen = analyse(learner.vision, data)
        # Both answers from one generation.
        with learner.store.snapshot():
            if not learner.state.tasks:
                return seen, None, 0, None
            answer = learner.predict_features(seen.feature[None], 4)[0]
            number, shown = station.phones.add(client, learner, seen)
        return seen, answer, number, shown

    seen, answer, number, shown = await station.asking(ask)
    if answer is None or shown is None:
        return LiveMessage(
            id=None, frame=None, answer=None, shown=None, camera=None, reason="nothing_learned"
        )
    key = station.remember(seen, shown.answer or answer)
    return LiveMessage(
        id=key,
        frame=number,
        answer=answer_message(answer, key, seen.milliseconds),
        shown=_shown(shown),
        camera=None,
        reason=None if shown.answer is not None else "starting",
    )


@router.get("/camera")
async def camera(station: TheStation) -> CameraMessage:
    """Say how the box's camera and its live loop are doing."""
    account, live = accounts(station.watching)
    return CameraMessage(
        camera=None if account is None else asdict(account), live=None if live is None else asdict(live)
    )


@router.get(
    "/camera/frame", response_class=Response, responses=file_answer("image/jpeg", "The newest frame.")
)
async def still(station: TheStation) -> Response:
    """Show the newest frame of the box's camera."""
    pixels = newest_frame(station)
    return Response(jpeg_of(pixels, max(pixels.shape)), media_type="image/jpeg", headers=_NOT_STORED)


@router.get(
    "/camera/stream",
    response_class=Response,
    responses=stream_answer("multipart/x-mixed-replace", "Motion JPEG, at most 15 pictures a second."),
)
async def motion(request: Request, station: TheStation) -> Response:
    """Show the box's camera."""
    watching = _camera(station)
    return Stream(_frames(watching), station.streams, client_of(request), _MOTION)


def _camera(station: AppState) -> Watching:
    if station.watching is None:
        raise ApiError(409, "this box serves without a camera; start it with --camera, or use the phone's")
    return station.watching


def newest_frame(station: AppState) -> NDArray[np.uint8]:
    """Give the newest frame of the box's camera.

    Args:
        station: that serves.

    Returns:
        RGB, uint8 [h, w, 3].

    Raises:
        Complaint: there is no camera, or it gave none yet.
    """
    found = _camera(station).stream.newest(0, 0.0)
    if found is None:
        raise ApiError(409, "the camera has not given a picture yet; wait a moment, or check its cable")
    return found.pixels


def _message(station: AppState) -> LiveMessage:
    watching = station.watching
    if watching is None:
        return LiveMessage(id=None, frame=None, answer=None, shown=None, camera=None, reason="no_camera")
    told = watching.newest()
    camera_account = asdict(watching.stream.account())
    if told is None:
        return LiveMessage(
            id=None, frame=None, answer=None, shown=None, camera=camera_account, reason=watching.reason()
        )
    return LiveMessage(
        id=told.id,
        frame=told.frame,
        answer=answer_message(told.answer, told.id, {}),
        shown=_shown(told.shown),
        camera=camera_account,
        reason=None if told.shown.answer is not None else "starting",
    )


def _shown(shown: StableAnswer) -> ShownMessage | None:
    values = shown_json(shown)
    return None if values is None else ShownMessage(**values)


async def _told(station: AppState) -> AsyncGenerator[bytes]:

    known = 0
    while True:
        yield event(_message(station).model_dump())
        if station.watching is None:
            await asyncio.sleep(_STILL_SECONDS)
            continue
        await asyncio.sleep(TELL_SECONDS)
        known, _ = await station.watching.answers.newer(known, _STILL_SECONDS)


async def _frames(watching: Watching) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        watching.want_pictures()
        version, picture = await watching.pictures.newer(known, 0.5)
        if version != known and picture is not None:
            known = version
            yield frame(picture)
