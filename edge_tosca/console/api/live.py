"""Routes of the live view: the box's camera, and phones that send their own frames."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from edge_tosca.console.api.messages import CameraMessage, LiveMessage, ShownMessage
from edge_tosca.console.api.openapi import PICTURE_BODY, file_answer, stream_answer
from edge_tosca.console.api.places import CameraQuery, RegionQuery, newest_pixels, place_of, rectangle_of
from edge_tosca.console.api.predict import answer_message
from edge_tosca.console.api.region_messages import TilesMessage
from edge_tosca.console.app_state.camera_feed import CameraFeed
from edge_tosca.console.app_state.cameras import TILE_SECONDS, UPDATE_SECONDS
from edge_tosca.console.app_state.image_analysis import AnalysedImage, jpeg_of, require_vision
from edge_tosca.console.app_state.live_update import shown_json
from edge_tosca.console.app_state.state import AppState, AppStateDep, client_of
from edge_tosca.console.http.bodies import picture_body
from edge_tosca.console.http.departure import unless_gone
from edge_tosca.console.http.streams import BOUNDARY, Stream, event, frame
from edge_tosca.learner.learner import Learner
from edge_tosca.live import Place, StableAnswer
from edge_tosca.results import Answer
from edge_tosca.runtime.region import Region

router = APIRouter(tags=["live"])

_MOTION = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_IDLE_SECONDS = 1.0
"""Between two events while nothing changes."""

_NOT_STORED = {"Cache-Control": "no-store"}


@router.get("/live")
async def newest(state: AppStateDep, camera: CameraQuery = None, region: RegionQuery = None) -> LiveMessage:
    """Return the newest answer to a region of the box's camera, by default to its first."""
    return _message(state, await _asked(state, camera, region))


@router.get(
    "/live/events",
    response_class=Response,
    responses=stream_answer("text/event-stream", "The same as /live, at most ten times a second."),
)
async def events(
    request: Request, state: AppStateDep, camera: CameraQuery = None, region: RegionQuery = None
) -> Response:
    """Stream the answers to a region of the box's camera, by default to its first."""
    place = await _asked(state, camera, region)
    # Without a name it follows the first region, whichever that is.
    fixed = place if camera is not None or region is not None else None
    return Stream(_updates(state, fixed), state.streams, client_of(request), "text/event-stream")


@router.get("/live/tiles")
async def tiles(state: AppStateDep) -> TilesMessage:
    """Return the newest answer of every region of every camera."""
    return _tiles(state)


@router.get(
    "/live/tiles/events",
    response_class=Response,
    responses=stream_answer("text/event-stream", "The same as /live/tiles, twice a second."),
)
async def tile_events(request: Request, state: AppStateDep) -> Response:
    """Stream the answers of every region of every camera."""
    return Stream(_tile_updates(state), state.streams, client_of(request), "text/event-stream")


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
    key = state.remember(image, shown.answer or answer, phone=client)
    return LiveMessage(
        id=key,
        frame=number,
        answer=answer_message(answer, key, image.milliseconds),
        shown=_shown(shown),
        camera=None,
        reason=None if shown.answer is not None else "starting",
        strip=state.strips.newest(client),
    )


@router.get("/camera")
async def camera_stats(
    state: AppStateDep, camera: CameraQuery = None, region: RegionQuery = None
) -> CameraMessage:
    """Return the statistics of the box's camera and of the live answers to a region."""
    stats, live = state.cameras.stats(await _asked(state, camera, region))
    return CameraMessage(
        camera=None if stats is None else asdict(stats), live=None if live is None else asdict(live)
    )


@router.get(
    "/camera/frame", response_class=Response, responses=file_answer("image/jpeg", "The newest frame.")
)
async def still(state: AppStateDep, camera: CameraQuery = None, region: RegionQuery = None) -> Response:
    """Return the newest frame of the box's camera, or a region of it."""
    pixels = newest_pixels(*await rectangle_of(state, camera, region))
    return Response(jpeg_of(pixels, max(pixels.shape)), media_type="image/jpeg", headers=_NOT_STORED)


@router.get(
    "/camera/stream",
    response_class=Response,
    responses=stream_answer("multipart/x-mixed-replace", "Motion JPEG, at most 15 pictures a second."),
)
async def motion(
    request: Request, state: AppStateDep, camera: CameraQuery = None, region: RegionQuery = None
) -> Response:
    """Stream the box's camera, or a region of it."""
    feed, rectangle = await rectangle_of(state, camera, region)
    frames = _frames(state, feed, region, rectangle)
    return Stream(frames, state.streams, client_of(request), _MOTION)


async def _asked(state: AppState, camera: str | None, region: str | None) -> Place | None:
    """Return the region that a request names; None for the first one where there is no camera."""
    if camera is None and region is None:
        return state.cameras.first()
    place, _ = await place_of(state, camera, region)
    return place


def _message(state: AppState, place: Place | None) -> LiveMessage:
    cameras = state.cameras
    feed = None if place is None else cameras.feeds.get(place.camera)
    if place is None or feed is None:
        return LiveMessage(id=None, frame=None, answer=None, shown=None, camera=None, reason="no_camera")
    update = cameras.newest(place)
    camera_stats = asdict(feed.stream.stats())
    names = {"camera_name": place.camera, "region": place.region, "strip": state.strips.newest(place)}
    if update is None:
        reason = cameras.reason(place)
        return LiveMessage(
            id=None, frame=None, answer=None, shown=None, camera=camera_stats, reason=reason, **names
        )
    return LiveMessage(
        id=update.id,
        frame=update.frame,
        answer=answer_message(update.answer, update.id, {}),
        shown=_shown(update.shown),
        camera=camera_stats,
        reason=None if update.shown.answer is not None else "starting",
        **names,
    )


def _tiles(state: AppState) -> TilesMessage:
    return TilesMessage(tiles=[_message(state, place) for place, _ in state.cameras.places()])


def _shown(shown: StableAnswer) -> ShownMessage | None:
    values = shown_json(shown)
    return None if values is None else ShownMessage(**values)


async def _updates(state: AppState, fixed: Place | None) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        place = fixed or state.cameras.first()
        yield event(_message(state, place).model_dump())
        if place is None or place.camera not in state.cameras.feeds:
            await asyncio.sleep(_IDLE_SECONDS)
            continue
        await asyncio.sleep(UPDATE_SECONDS)
        known, _ = await state.cameras.answers(place).newer(known, _IDLE_SECONDS)


async def _tile_updates(state: AppState) -> AsyncGenerator[bytes]:
    while True:
        for place, _ in state.cameras.places():
            state.cameras.answers(place, TILE_SECONDS)
        yield event(_tiles(state).model_dump())
        await asyncio.sleep(TILE_SECONDS)


async def _frames(
    state: AppState, feed: CameraFeed, region: str | None, rectangle: Region
) -> AsyncGenerator[bytes]:
    known = 0
    while True:
        if region is not None:
            # It may be moved while a page shows it.
            found = state.cameras.state_of(Place(feed.name, region))
            moved = rectangle if found is None else found.named.region
            known, rectangle = known if moved == rectangle else 0, moved
        version, picture = await feed.pictures(rectangle).newer(known, 0.5)
        if version != known and picture is not None:
            known = version
            yield frame(picture)
