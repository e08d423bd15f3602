"""The region that a request names, by camera and region."""

from typing import Annotated

import numpy as np
from fastapi import Query
from numpy.typing import NDArray

from edge_tosca.console.app_state.camera_feed import CameraFeed
from edge_tosca.console.app_state.state import AppState
from edge_tosca.console.http.errors import ApiError
from edge_tosca.live import Place
from edge_tosca.live.regions import NamedRegion, read_regions, regions_of
from edge_tosca.runtime.region import WHOLE, Region

CameraQuery = Annotated[
    str | None,
    Query(alias="camera", min_length=1, max_length=60, description="A camera; the first one by default."),
]
RegionQuery = Annotated[
    str | None,
    Query(alias="region", min_length=1, max_length=60, description="A region of the camera."),
]

_NO_CAMERA = "this console has no camera; start it with --camera, or use the phone's"


def feed_of(state: AppState, camera: str | None) -> CameraFeed:
    """Return the camera that a request names.

    Args:
        state: of the console.
        camera: its name; None for the first one.

    Raises:
        ApiError: there is no such camera.
    """
    feeds = state.cameras.feeds
    if not feeds:
        raise ApiError(409, _NO_CAMERA)
    if camera is None:
        return next(iter(feeds.values()))
    if camera not in feeds:
        raise ApiError(404, f"there is no camera {camera[:40]!r}; there are {', '.join(feeds)}")
    return feeds[camera]


async def place_of(state: AppState, camera: str | None, region: str | None) -> tuple[Place, NamedRegion]:
    """Return the region that a request names.

    Args:
        state: of the console.
        camera: its name; None for the first one.
        region: its name; None for the first one of the camera.

    Raises:
        ApiError: there is no such camera or region.
    """
    feed = feed_of(state, camera)
    mine = [one for one in state.cameras.places() if one[0].camera == feed.name]
    for place, named in mine:
        if region in (None, named.name):
            return place, named
    # The live loop may not have read a new region yet.
    regions = await state.store_thread(lambda learner: read_regions(learner.store))
    names = regions_of(regions, feed.name)
    for named in names:
        if region == named.name:
            return Place(feed.name, named.name), named
    known = ", ".join(one.name for one in names)
    raise ApiError(404, f"camera {feed.name} has no region {(region or '')[:40]!r}; it has {known}")


async def rectangle_of(state: AppState, camera: str | None, region: str | None) -> tuple[CameraFeed, Region]:
    """Return the camera that a request names, and the rectangle of the region.

    Args:
        state: of the console.
        camera: its name; None for the first one.
        region: its name; None for the whole frame.

    Raises:
        ApiError: there is no such camera or region.
    """
    feed = feed_of(state, camera)
    if region is None:
        return feed, WHOLE
    _, named = await place_of(state, feed.name, region)
    return feed, named.region


def newest_pixels(feed: CameraFeed, region: Region) -> NDArray[np.uint8]:
    """Return a region of the newest frame of a camera.

    Args:
        feed: the camera.
        region: of its frames.

    Returns:
        RGB, uint8 [h, w, 3].

    Raises:
        ApiError: the camera has not given a frame yet.
        PictureError: the region has too few pixels.
    """
    found = feed.newest()
    if found is None:
        raise ApiError(409, "the camera has not given a picture yet; wait a moment, or check its cable")
    return region.crop(found.pixels)
