"""Routes of the live view: the box's camera, and phones that send their own frames."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from numpy.typing import NDArray
from starlette.responses import Response

from edge_tosca.console.api.messages import CameraMessage, LiveMessage, ShownMessage
from edge_tosca.console.api.openapi import PICTURE_BODY, file_answer, stream_answer
from edge_tosca.console.api.predict import answer_message
from edge_tosca.console.app_state.camera_loop import UPDATE_SECONDS, CameraLoop, shown_json, stats_of
from edge_tosca.console.app_state.image_analysis import AnalysedImage, jpeg_of, require_vision
from edge_tosca.console.app_state.state import AppState, AppStateDep, client_of
from edge_tosca.console.http.bodies import picture_body
from edge_tosca.console.http.departure import unless_gone
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.streams import BOUNDARY, Stream, event, frame
from edge_tosca.learner.learner import Learner
from edge_tosca.live import StableAnswer
from edge_tosca.results import Answer

router = APIRouter(tags=["live"])

_MOTION = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_IDLE_SECONDS = 1.0
"""Between two events while nothing changes."""

_NOT_STORED = {"Cache-Control": "no-store"}


@router.get("/live")
async def newest(state: AppStateDep) -> LiveMessage:
    """Return the newest answer to the box's camera."""
    return _message(state)


@router.get(
    "/live/events",
    response_class=Response,
    responses=stream_answer("text/event-stream", "The same as /live, at most ten times a second."),
)
async def events(request: Request, state: AppStateDep) -> Response:
    """Stream the answers to the box's camera."""
    return Stream(_updates(state), state.streams, client_of(request), "text/event-stream")


@router.post("/live/frame", openapi_extra=PICTURE_BODY)
async def phone_frame(
    request: Request,
    state: AppStateDep,
    client: Annotated[str, Query(min_length=1, max_length=64, description="A name of the phone's own.")],
) -> LiveMessage:
    """Answer a frame of a phone's camera, alone and together with the phone's last frames."""
    data = await picture_body(request)

    def ask(learner: Learner, image: AnalysedImage) -> tuple[Answer | None, int, StableAnswer | None]:
        require_vision(learner, [image])
        # Both answers must come from the same generation.
        with learner.store.snapshot():
            if not learner.state.tasks:
                return None, 0, None
            answer = learner.predict_features(image.feature[None], 4)[0]
            number, shown = state.phones.add(client, learner, image)
        return answer, number, shown

    async def look() -> tuple[AnalysedImage, Answer | None, int, StableAnswer | None]:
        image = await state.analyse(data)
        return image, *await state.predict_thread(partial(ask, image=image))

    image, answer, number, shown = await unless_gone(request, look())
    if answer is None or shown is None:
        return LiveMessage(
            id=None, frame=None, answer=None, shown=None, camera=None, reason="nothing_learned"
        )
    key = state.remember(image, shown.answer or answer)
    return LiveMessage(
        id=key,
        frame=number,
        answer=answer_message(answer, key, image.milliseconds),
        shown=_shown(shown),
        camera=None,
        reason=None if shown.answer is not None else "starting",
    )


@router.get("/camera")
async def camera(state: AppStateDep) -> CameraMessage:
    """Return the statistics of the box's camera and its live loop."""
    stats, live = stats_of(state.camera_loop)
    return CameraMessage(
        camera=None if stats is None else asdict(stats), live=None if live is None else asdict(live)
    )


@router.get(
    "/camera/frame", response_class=Response, responses=file_answer("image/jpeg", "The newest frame.")
)
async def still(state: AppStateDep) -> Response:
    """Return the newest frame of the box's camera."""
    pixels = newest_frame(state)
    return Response(jpeg_of(pixels, max(pixels.shape)), media_type="image/jpeg", headers=_NOT_STORED)


@router.get(
    "/camera/stream",
    response_class=Response,
    responses=stream_answer("multipart/x-mixed-replace", "Motion JPEG, at most 15 pictures a second."),
)
async def motion(request: Request, state: AppStateDep) -> Response:
    """Stream the box's camera."""
    return Stream(_frames(_camera_loop(state)), state.streams, client_of(request), _MOTION)


def _camera_loop(state: AppState) -> CameraLoop:
    if state.camera_loop is None:
        raise ApiError(409, "this console has no camera; start it with --camera, or use the phone's")
    return state.camera_loop


def newest_frame(state: AppState) -> NDArray[np.uint8]:
    """Return the newest frame of the box's camera.

    Args:
        state: of the console.

    Returns:
        RGB, uint8 [h, w, 3].

    Raises:
        ApiError: there is no camera, or it has not given a frame yet.
    """
    found = _camera_loop(state).stream.newest(0, 0.0)
    if found is None:
        raise ApiError(409, "the camera has not given a picture yet; wait a moment, or check its cable")
    return found.pixels


def _message(state: AppState) -> LiveMessage:
    camera_loop = state.camera_loop
    if camera_loop is None:
        return LiveMessage(id=None, frame=None, answer=None, shown=None, camera=None, reason="no_camera")
    update = camera_loop.newest()
    camera_stats = asdict(camera_loop.stream.stats())
    if update is None:
        return LiveMessage(
            id=None, frame=None, answer=None, shown=None, camera=camera_stats, reason=camera_loop.reason()
        )
    return LiveMessage(
        id=update.id,
        frame=update.frame,
        answer=answer_message(update.answer, update.id, {}),
        shown=_shown(update.shown),
        camera=camera_stats,
        reason=None if update.shown.answer is not None else "starting",
    )


def _shown(shown: StableAnswer) -> ShownMessage | None:
    values = shown_json(shown)
    return None if values is None else ShownMessage(**values)


async def _updates(state: AppState) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        yield event(_message(state).model_dump())
        if state.camera_loop is None:
            await asyncio.sleep(_IDLE_SECONDS)
            continue
        await asyncio.sleep(UPDATE_SECONDS)
        known, _ = await state.camera_loop.answers.newer(known, _IDLE_SECONDS)


async def _frames(camera_loop: CameraLoop) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        camera_loop.want_pictures()
        version, picture = await camera_loop.pictures.newer(known, 0.5)
        if version != known and picture is not None:
            known = version
            yield frame(picture)
