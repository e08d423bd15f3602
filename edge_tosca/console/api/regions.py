"""Routes of the box's cameras and of their regions."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from edge_tosca.console.api.region_messages import (
    AddCameraMessage,
    BoxCameraMessage,
    CamerasMessage,
    PutRegionMessage,
    RegionMessage,
    RegionsMessage,
)
from edge_tosca.console.app_state.cameras import MOST_CAMERAS
from edge_tosca.console.app_state.state import CHANGES_STORE, AppState, AppStateDep
from edge_tosca.console.http.errors import ApiError, without_paths
from edge_tosca.devices.camera import CameraSpec
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.learner import Learner
from edge_tosca.live.regions import (
    NamedRegion,
    checked_camera,
    put_region,
    read_regions,
    regions_of,
    remove_region,
)
from edge_tosca.runtime.region import Region

router = APIRouter(tags=["regions"])

_ADDED = frozenset({"device", "rtsp", "pi", "http"})
"""Kinds of cameras that can be added in the console: no file and no folder of the box."""

Name = Annotated[str, Query(min_length=1, max_length=60)]


@router.get("/regions")
async def regions(state: AppStateDep) -> RegionsMessage:
    """List the regions of the box's cameras."""
    return await state.store_thread(partial(_regions, state))


@router.put("/regions", dependencies=[CHANGES_STORE])
async def put(state: AppStateDep, body: PutRegionMessage) -> RegionsMessage:
    """Add a region to a camera, or move, resize, rename or bind one; the live view follows at once."""
    try:
        region = Region(body.x, body.y, body.width, body.height)
    except EdgeToscaError as error:
        raise ApiError(422, str(error)) from None

    def change(learner: Learner) -> RegionsMessage:
        labels = body.classes or ()
        put_region(learner.store, body.camera, body.name, region, labels, body.before, body.trigger)
        return _regions(state, learner)

    return await state.store_thread(change)


@router.delete("/regions", dependencies=[CHANGES_STORE])
async def remove(state: AppStateDep, camera: Name, name: Name) -> RegionsMessage:
    """Remove a region; a camera without regions is answered whole."""

    def change(learner: Learner) -> RegionsMessage:
        remove_region(learner.store, camera, name)
        return _regions(state, learner)

    return await state.store_thread(change)


@router.get("/cameras")
async def cameras(state: AppStateDep) -> CamerasMessage:
    """List the box's cameras."""
    return _cameras(state)


@router.post("/cameras")
async def add(state: AppStateDep, body: AddCameraMessage) -> CamerasMessage:
    """Add a camera of the box or of the network; it is there after a restart, too."""
    name = checked_camera(body.name)
    spec = CameraSpec.parse(body.address)
    if spec.kind not in _ADDED:
        raise ApiError(409, "a file or a folder cannot be added here; start the server with --camera")
    state.cameras.add(name, body.address)
    return _cameras(state)


@router.delete("/cameras")
async def take(state: AppStateDep, name: Name) -> CamerasMessage:
    """Remove a camera; its regions stay, and one of the command line is back after a restart."""
    state.cameras.remove(name)
    return _cameras(state)


def _cameras(state: AppState) -> CamerasMessage:
    places = state.cameras.places()
    found = []
    for name, feed in state.cameras.feeds.items():
        stats = asdict(feed.stream.stats())
        if stats["error"] is not None:
            stats["error"] = without_paths(stats["error"], state.options.store)
        mine = [place.region for place, _ in places if place.camera == name]
        source = without_paths(feed.stream.name, state.options.store)
        found.append(BoxCameraMessage(name=name, source=source, camera=stats, regions=mine))
    return CamerasMessage(cameras=found, limit=MOST_CAMERAS)


def _regions(state: AppState, learner: Learner) -> RegionsMessage:
    state.cameras.live.look_again()
    with learner.store.snapshot():
        known = read_regions(learner.store)
        names = list(dict.fromkeys([*state.cameras.feeds, *known]))
        found = [_message(name, one, learner) for name in names for one in regions_of(known, name)]
    return RegionsMessage(regions=found, whole=[name for name in names if name not in known])


def _message(camera: str, named: NamedRegion, learner: Learner) -> RegionMessage:
    labels = named.labels(learner.state)
    region = named.region
    return RegionMessage(
        camera=camera,
        name=named.name,
        x=region.x,
        y=region.y,
        width=region.width,
        height=region.height,
        classes=None if labels is None else sorted(labels),
        trigger=named.trigger,
    )
