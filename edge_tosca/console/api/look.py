"""The route by which a program asks for a look at a region."""

from typing import Annotated

from fastapi import APIRouter, Path

from edge_tosca.console.api.messages import Message
from edge_tosca.console.api.places import CameraQuery, feed_of
from edge_tosca.console.app_state.state import AppStateDep
from edge_tosca.console.http.errors import ApiError
from edge_tosca.live import Place

router = APIRouter(tags=["regions"])


class LookMessage(Message):
    """The region whose next frames are answered, whatever its trigger decides."""

    camera: str
    region: str


@router.post("/regions/{region}/look")
async def look(
    state: AppStateDep,
    region: Annotated[str, Path(min_length=1, max_length=60, description="Name of the region.")],
    camera: CameraQuery = None,
) -> LookMessage:
    """Answer the next frames of a region, whatever its trigger decides."""
    place = Place(feed_of(state, camera).name, region)
    if not state.cameras.live.look(place):
        mine = [found.region for found, _ in state.cameras.places() if found.camera == place.camera]
        raise ApiError(404, f"there is no region {region[:40]!r}; there are {', '.join(mine)}")
    return LookMessage(camera=place.camera, region=place.region)
