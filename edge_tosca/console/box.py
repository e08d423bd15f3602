"""Routes about the box itself: health, settings, storage, doctor."""

import contextlib
import time

from fastapi import APIRouter

from edge_tosca.circumstances import program_version
from edge_tosca.console.messages import HealthMessage, SettingsMessage
from edge_tosca.console.station import TheStation
from edge_tosca.errors import EdgeToscaError

router = APIRouter(tags=["box"])


@router.get("/health")
async def health(station: TheStation) -> HealthMessage:
    """Say whether the box is well."""
    generation = None
    with contextlib.suppress(EdgeToscaError):
        generation = await station.books(lambda learner: learner.store.latest())
    return HealthMessage(
        status="ok" if generation is not None else "degraded",
        version=program_version(),
        generation=generation,
        camera=None,
        live=None,
        uptime=time.monotonic() - station.began,
    )


@router.get("/settings")
async def settings(station: TheStation) -> SettingsMessage:
    """Say what is kept."""
    return SettingsMessage(keep_pictures=False)
